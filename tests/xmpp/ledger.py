"""What must be true of a transcript after everything that went wrong: nothing lost, nothing doubled, all in order.

`judge` is the whole judgement, without servers, so that it can be shown to go red.
"""

import collections


def judge(acknowledged, tried, transcript):
    """What is wrong, in words; nothing when all is well.

    acknowledged: what the visitor's server took from him, in the order in which he said it.
    tried: everything that he said.
    transcript: what the transcript has of him, in its order.
    """
    wrong = []
    counts = collections.Counter(transcript)
    for text in acknowledged:
        if counts[text] == 0:
            wrong.append(f"lost: {text}")
    for text, count in counts.items():
        if count > 1:
            wrong.append(f"doubled: {text} is there {count} times")
    known = set(tried)
    wrong += [f"invented: {text}" for text in counts if text not in known]
    place = {text: index for index, text in enumerate(acknowledged)}
    last = None
    for text in transcript:
        if text in place:
            if last is not None and place[text] < place[last]:
                wrong.append(f"out of order: {text} comes after {last}")
            last = text
    return wrong


def prove():
    """Shows that the judgement goes red for each thing that can be wrong, and only then."""
    said = [f"m{number}" for number in range(20)]
    acknowledged = said[:5] + said[6:]
    fine = [said, acknowledged]
    broken = {
        "lost": said[:9] + said[10:],
        "doubled": said[:9] + [said[8]] + said[9:],
        "invented": [*said, "m99"],
        "out of order": [*said[:9], said[10], said[9], *said[11:]],
    }
    for transcript in fine:
        if wrong := judge(acknowledged, said, transcript):
            raise AssertionError(f"a good transcript is called wrong: {wrong}")
    for word, transcript in broken.items():
        wrong = judge(acknowledged, said, transcript)
        if not wrong or not all(line.startswith(word) for line in wrong):
            raise AssertionError(f"a transcript with something {word} is judged {wrong}")
    return len(broken)
