//! An adapter and its scripted peer, joined by a wire that can be cut, silenced and made to lie.

use schakel_core::adapter::{Adapter, Input, Observations, Output, ProviderCommand};
use schakel_core::model::ids::CommandId;
use schakel_core::model::time::{Millis, Time};

use super::laws::Laws;
use super::{Answer, Breach, Peer, Subject, ensure};

/// Times that the two may speak to each other before both must have said what they had to say.
const ROUNDS_MAX: usize = 10_000;
/// Deadlines that may be kept while time passes once.
const TICKS_MAX: usize = 10_000;

/// The two, talking.
pub(super) struct Conversation<'a, S: Subject> {
    subject: &'a S,
    adapter: S::Adapter,
    peer: S::Peer,
    pub(super) laws: Laws,
    pub(super) now: Time,
    /// How the peer answers operations; with none, all that it says is held back.
    pub(super) answers: Option<Answer>,
    /// The wire hands over at most so many bytes at once.
    pub(super) piece: usize,
    /// All that the adapter put out, in order, since this was last emptied.
    pub(super) outputs: Vec<Output>,
    on_the_wire: Vec<u8>,
    held_back: Vec<u8>,
    commands: u128,
}

impl<'a, S: Subject> Conversation<'a, S> {
    /// An adapter without a connection.
    pub(super) fn new(subject: &'a S) -> Self {
        Self {
            adapter: subject.adapter(),
            peer: subject.peer(),
            subject,
            laws: Laws::default(),
            now: Time(1_000_000),
            answers: Some(Answer::Confirm),
            piece: usize::MAX,
            outputs: Vec::new(),
            on_the_wire: Vec::new(),
            held_back: Vec::new(),
            commands: 0,
        }
    }

    /// An adapter that has shown its devices.
    pub(super) fn logged_in(subject: &'a S) -> Result<Self, Breach> {
        let mut talk = Self::new(subject);
        talk.log_in()?;
        Ok(talk)
    }

    /// Opens a connection and lets the peer answer until the adapter has shown its devices. A peer's greeting or an
    /// answer that the adapter waits for in vain may take some deadlines.
    pub(super) fn log_in(&mut self) -> Result<(), Breach> {
        self.open()?;
        for _ in 0..ROUNDS_MAX {
            if self.laws.resynced {
                return Ok(());
            }
            ensure(self.laws.open, || format!("closed during login: {:?}", self.outputs.last()))?;
            ensure(self.tick()?, || "not resynced, and nothing is waited for".into())?;
        }
        Err(Breach("never resynced".into()))
    }

    pub(super) fn open(&mut self) -> Result<(), Breach> {
        self.peer = self.subject.peer();
        self.held_back.clear();
        self.laws.opened();
        let greeting = self.peer.greeting();
        if self.answers.is_some() { &mut self.on_the_wire } else { &mut self.held_back }.extend(greeting);
        self.give(Input::Opened)?;
        self.settle()
    }

    /// The connection closes. The adapter has nothing to say to that: the core itself ends what was under way.
    pub(super) fn close(&mut self) -> Result<(), Breach> {
        self.laws.closed();
        self.on_the_wire.clear();
        self.give(Input::Closed("the test closes it"))
    }

    /// The peer says this.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        self.on_the_wire.extend_from_slice(bytes);
        self.settle()
    }

    /// The peer says what was held back.
    pub(super) fn receive_late(&mut self) -> Result<(), Breach> {
        let late = std::mem::take(&mut self.held_back);
        self.receive(&late)
    }

    /// The house asks for the subject's operation.
    pub(super) fn execute(&mut self, limit: Millis) -> Result<CommandId, Breach> {
        self.commands += 1;
        let id = CommandId(self.commands);
        let operation = self.subject.operation();
        let command = ProviderCommand { command: id, step: 0, limit, operation };
        self.laws.asked(&command, self.now);
        self.give(Input::Execute(&command))?;
        self.settle()?;
        Ok(id)
    }

    /// Time passes; deadlines on the way are kept.
    pub(super) fn pass(&mut self, span: Millis) -> Result<(), Breach> {
        let end = self.now + span;
        for _ in 0..TICKS_MAX {
            if self.adapter.next_deadline().is_none_or(|at| at > end) {
                self.now = end;
                return self.laws.nothing_overdue(self.now);
            }
            self.tick()?;
        }
        Err(Breach(format!("more than {TICKS_MAX} deadlines within {span:?}")))
    }

    /// Keeps the next deadline, if there is one. What was due is done then: the same deadline does not come again.
    pub(super) fn tick(&mut self) -> Result<bool, Breach> {
        let Some(at) = self.adapter.next_deadline() else { return Ok(false) };
        self.now = self.now.max(at);
        self.give(Input::Tick)?;
        let next = self.adapter.next_deadline();
        ensure(next.is_none_or(|next| next > self.now), || {
            format!("after a Tick at {:?} the next deadline is {next:?}: the link would spin", self.now)
        })?;
        self.laws.nothing_overdue(self.now)?;
        self.settle()?;
        Ok(true)
    }

    /// What an adapter without a connection must bear without a word.
    pub(super) fn stray(&mut self) -> Result<(), Breach> {
        for sample in self.subject.samples() {
            self.give(Input::Received(&sample))?;
        }
        self.give(Input::Tick)
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.adapter.next_deadline()
    }

    pub(super) fn observations(&self) -> Observations {
        self.adapter.observations()
    }

    /// Hands over what is on the wire until both have nothing to say.
    fn settle(&mut self) -> Result<(), Breach> {
        for _ in 0..ROUNDS_MAX {
            let bytes = std::mem::take(&mut self.on_the_wire);
            if bytes.is_empty() {
                return Ok(());
            }
            for piece in bytes.chunks(self.piece.max(1)) {
                self.give(Input::Received(piece))?;
                if !self.laws.open {
                    self.on_the_wire.clear();
                    return Ok(());
                }
            }
        }
        Err(Breach("adapter and peer talk for ever".into()))
    }

    /// One input, judged by the laws.
    fn give(&mut self, input: Input<'_>) -> Result<(), Breach> {
        let mut outputs = Vec::new();
        self.adapter.handle(input, self.now, &mut outputs);
        for output in outputs {
            self.laws.output(&output, self.now)?;
            if let Output::Transmit(bytes) = &output {
                let answer = self.peer.answer(bytes, self.answers.unwrap_or(Answer::Confirm));
                if self.answers.is_some() { &mut self.on_the_wire } else { &mut self.held_back }
                    .extend(answer);
            }
            self.outputs.push(output);
        }
        Ok(())
    }
}
