"""What is linked into schakel: licences that may be shipped, one cryptographic provider, and nothing from a git address.

Reads `cargo tree` (which, other than `cargo metadata`, leaves out what no feature asks for) with the lock file as it is
committed. Before it looks at the real thing it shows on made-up packages that each rule goes red.
"""

import re
import subprocess
import sys

# Licences that ask for no more than a notice, and MPL-2.0, whose duty ends at the files of that library.
ALLOWED = {
    "0BSD", "MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib",
    "Unicode-3.0", "Unlicense", "CC0-1.0", "CDLA-Permissive-2.0", "BSL-1.0", "MPL-2.0",
}  # fmt: skip

BANNED = {
    "openssl": "TLS is rustls",
    "openssl-sys": "TLS is rustls",
    "native-tls": "TLS is rustls",
    "ring": "the one cryptographic provider is aws-lc-rs",
    "sqlx-sqlite": "SQLite comes from rusqlite, and two cannot share a build",
    "openssl-src": "TLS is rustls",
}


def tokens(expression):
    """An SPDX expression in words and parentheses. The old `/` means OR; WITH belongs to the licence before it."""
    words = re.findall(r"[()]|[^\s()/]+|/", re.sub(r"(\S+) WITH (\S+)", r"\1~WITH~\2", expression))
    return ["OR" if word == "/" else word.replace("~", " ") for word in words]


def allowed(expression):
    """Whether one can choose so that every licence is allowed."""
    rest = tokens(expression)

    def choice():
        value = both()
        while rest and rest[0] == "OR":
            rest.pop(0)
            value = both() or value
        return value

    def both():
        value = one()
        while rest and rest[0] == "AND":
            rest.pop(0)
            value = one() and value
        return value

    def one():
        word = rest.pop(0) if rest else ""
        if word == "(":
            value = choice()
            if rest:
                rest.pop(0)
            return value
        return word in ALLOWED

    return bool(rest) and choice() and not rest


def findings(lines):
    """What is wrong with packages as `cargo tree` prints them: name, version, source where it is not the registry."""
    for line in sorted(set(filter(None, lines))):
        package, licence = line.split("|")
        name, version, *source = package.split(" ", 2)
        where = source[0].strip("()") if source else ""
        if where.startswith("/"):
            continue
        if where not in ("", "proc-macro"):
            yield f"{name} {version}: comes from {where}, not from the registry"
        if not allowed(licence):
            yield f"{name} {version}: licence {licence!r} is not among those that may be shipped"
        if name in BANNED:
            yield f"{name} {version}: {BANNED[name]} (cargo tree --workspace -i {name})"


def goes_red():
    """Shows that each rule can fail, and that what is good passes."""

    def sample(package="x v1.0.0", licence="MIT OR Apache-2.0"):
        return len(list(findings([f"{package}|{licence}"])))

    good = ["MIT/Apache-2.0", "ISC AND (GPL-3.0 OR MIT)", "Apache-2.0 WITH LLVM-exception OR GPL-2.0"]
    bad = ["GPL-3.0", "MIT AND GPL-3.0", "ISC AND (GPL-3.0 OR LGPL-2.1-or-later)", "", "MIT)"]
    shown = {
        "a good licence is refused": [sample(licence=one) for one in good] == [0] * len(good),
        "a bad licence passes": [sample(licence=one) for one in bad] == [1] * len(bad),
        "a banned crate passes": [sample(f"{one} v1.0.0") for one in BANNED] == [1] * len(BANNED),
        "a git address passes": sample("x v1.0.0 (https://example.nl/x#1)") == 1,
        "our own crates are looked at": sample("x v1.0.0 (/some/folder)", "") == 0,
        "a macro is taken for a git address": sample("x v1.0.0 (proc-macro)") == 0,
    }
    for failure, right in shown.items():
        if not right:
            sys.exit(f"this check is broken: {failure}")


def main():
    """Exit 0 when nothing is wrong."""
    goes_red()
    arguments = ["cargo", "tree", "--locked", "--workspace", "--edges", "normal,build", "--prefix", "none"]
    told = subprocess.run([*arguments, "--format", "{p}|{l}"], stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode != 0:
        sys.exit("cargo tree failed, see above: is Cargo.lock committed as the manifests have it?")
    # A package that is shown a second time is marked with (*).
    lines = [line.replace(" (*)", "") for line in told.stdout.splitlines()]
    if len(set(lines)) < 50:
        sys.exit(f"only {len(set(lines))} packages: cargo tree did not say what is linked")
    wrong = list(findings(lines))
    print(*wrong, sep="\n") if wrong else print(f"ok: {len(set(lines))} packages")
    sys.exit(1 if wrong else 0)


main()
