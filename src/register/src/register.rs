//! The handle: opening, looking up, changing.

use crate::customers;
use crate::directory::Directory;
use crate::entries;
use crate::error::RegisterError;
use crate::import::{ImportOptions, Imported};
use crate::number::{Digits, Normalised, NumberPlan};
use crate::schema;
use crate::writer::{Limits, Shared, Writer, read, write};
use rusqlite::Connection;
use schakel_contract::views::{
    CustomerView, DirectoryEntryView, EntryKind, MatchKind, MatchRole, MatchView, NumberKind, NumberView,
    RecognitionView,
};
use schakel_contract::{E164, Recognise, raw_of};
use schakel_core::model::call::Party;
use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Changes that may wait for the disk; more is told to the caller.
const QUEUE_MAX: usize = 256;

/// Those whom a number can mean that are told: more candidates help nobody at a ringing telephone.
pub const MATCHES_MAX: usize = 20;

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// The register: whose numbers are recognised, and the directory. Cheap to clone; the last one that is dropped waits
/// for the change under way and closes the file.
#[derive(Debug, Clone)]
pub struct Register(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    reader: Arc<Mutex<Connection>>,
    // `None` only while dropping.
    queue: Option<SyncSender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    folder: PathBuf,
    // Held for its lock; released after the thread has ended.
    _lock: File,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the register's thread ended with a panic: this is a bug of schakel");
        }
    }
}

/// How much there is, and what it costs in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Numbers that are switched on.
    pub numbers: u64,
    /// Bytes of memory for them and their names.
    pub bytes: u64,
    /// Entries of the directory.
    pub entries: u64,
}

impl Register {
    /// Opens or creates the register at `path` (with `path.lock`, `path-wal` and `path-shm` beside it) and reads it
    /// into memory: about a second for a million numbers. Blocks.
    ///
    /// # Errors
    /// [`RegisterError::InUse`], [`RegisterError::NewerSchema`], [`RegisterError::NotARegister`],
    /// [`RegisterError::Open`], or what the disk said.
    pub fn open(path: impl AsRef<Path>, plan: NumberPlan, limits: Limits) -> Result<Self, RegisterError> {
        let path = path.as_ref();
        let lock = schema::lock(path)?;
        let conn = schema::open_writer(path)?;
        let directory = Directory::new(entries::load(&conn)?, &plan);
        let shared = Arc::new(Shared {
            table: RwLock::new(customers::load(&conn)?),
            directory: RwLock::new(Arc::new(directory)),
            plan: RwLock::new(Arc::new(plan)),
        });
        let reader = Arc::new(Mutex::new(schema::open_reader(path)?));
        let (queue, jobs) = mpsc::sync_channel::<Job>(QUEUE_MAX);
        let mut writer = Writer { conn, shared: Arc::clone(&shared), limits };
        let thread = std::thread::Builder::new().name("register".into()).spawn(move || {
            for job in jobs {
                job(&mut writer);
            }
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self(Arc::new(Inner {
            shared,
            reader,
            queue: Some(queue),
            thread: Mutex::new(Some(thread)),
            folder: folder.to_owned(),
            _lock: lock,
        })))
    }

    /// The numbering plan.
    pub fn plan(&self) -> Arc<NumberPlan> {
        Arc::clone(&read(&self.0.shared.plan))
    }

    /// Another numbering plan, as after the configuration was read again. Numbers of customers stay as they were read.
    /// Cannot fail, and waits for no change that is under way: the directory is made anew from what is in memory.
    pub async fn set_plan(&self, plan: NumberPlan) {
        *write(&self.0.shared.plan) = Arc::new(plan);
        let shared = Arc::clone(&self.0.shared);
        if tokio::task::spawn_blocking(move || shared.directory_by_plan()).await.is_err() {
            tracing::error!("the directory is found by the old numbering plan: this is a bug of schakel");
        }
    }

    /// The folder of the file: where an import is kept until it is read.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// How much there is.
    pub fn figures(&self) -> Figures {
        let table = read(&self.0.shared.table);
        Figures {
            numbers: table.len() as u64,
            bytes: table.bytes() as u64,
            entries: self.directory().len() as u64,
        }
    }

    /// Whose number this is, as [`Recognise`] tells it of a call.
    pub fn look_up(&self, number: &str) -> RecognitionView<'static> {
        let (plan, directory) = (self.plan(), self.directory());
        let number = plan.normalise(number);
        let raw = Some(Cow::Owned(number.raw.to_owned()));
        self.recognition(&number, raw, &directory)
    }

    /// The directory as it is now.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&read(&self.0.shared.directory))
    }

    /// The entries that have a word for each word of the text, the best first: see [`Directory::search`]. Beside the
    /// caller's thread: one letter is the beginning of half a directory, and a call must not wait for that.
    ///
    /// # Errors
    /// [`RegisterError::Closed`] when the runtime ends.
    pub async fn search(
        &self,
        text: String,
        kind: Option<EntryKind>,
        limit: usize,
    ) -> Result<Vec<DirectoryEntryView>, RegisterError> {
        let directory = self.directory();
        let search = move || directory.search(&text, kind, limit).into_iter().cloned().collect();
        tokio::task::spawn_blocking(search).await.map_err(|_| RegisterError::Closed)
    }

    /// A customer, with the numbers that are switched off too.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn customer(&self, reference: &str) -> Result<Option<CustomerView>, RegisterError> {
        let reference = reference.to_owned();
        self.query(move |reader| customers::get(reader, &reference)).await
    }

    /// The numbers of a customer, those that are switched off too.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn numbers_of(&self, reference: &str) -> Result<Vec<E164>, RegisterError> {
        let customer = self.customer(reference).await?;
        Ok(customer
            .map(|found| found.numbers.iter().map(|number| number.number).collect())
            .unwrap_or_default())
    }

    /// Those of a customer's numbers that others have too: of a household, behind a switchboard.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn shared_numbers(&self, reference: &str) -> Result<Vec<E164>, RegisterError> {
        let reference = reference.to_owned();
        self.query(move |reader| customers::shared_numbers(reader, &reference)).await
    }

    /// Puts a customer in the place of what was there; his version, and whether he is new. Durable and in force when
    /// it is ready. The version that is given with him counts for nothing.
    ///
    /// # Errors
    /// [`RegisterError::VersionMismatch`], [`RegisterError::TooMany`], [`RegisterError::Busy`], or what the disk said.
    pub async fn put_customer(
        &self,
        customer: CustomerView,
        if_version: Option<u64>,
    ) -> Result<(u64, bool), RegisterError> {
        self.change(move |writer| writer.put_customer(&customer, if_version)).await
    }

    /// Takes a customer away; whether there was one.
    ///
    /// # Errors
    /// As [`Register::put_customer`].
    pub async fn delete_customer(
        &self,
        reference: &str,
        if_version: Option<u64>,
    ) -> Result<bool, RegisterError> {
        let reference = reference.to_owned();
        self.change(move |writer| writer.delete_customer(&reference, if_version)).await
    }

    /// Forgets a customer and that others speak for him, so that nothing of it is left in the file; how many numbers
    /// were forgotten.
    ///
    /// # Errors
    /// As [`Register::put_customer`].
    pub async fn erase(&self, reference: &str) -> Result<u64, RegisterError> {
        let reference = reference.to_owned();
        self.change(move |writer| writer.erase(&reference)).await
    }

    /// Reads a file of customers: all of it or nothing. Who looks up meanwhile sees what was before.
    ///
    /// # Errors
    /// As [`Register::put_customer`]; what is wrong with the file is in [`Imported::Refused`].
    pub async fn import_customers(
        &self,
        mut file: File,
        options: ImportOptions,
    ) -> Result<Imported, RegisterError> {
        self.change(move |writer| writer.import_customers(&mut file, options)).await
    }

    /// Puts an entry of the directory; its version, and whether it is new.
    ///
    /// # Errors
    /// As [`Register::put_customer`].
    pub async fn put_entry(
        &self,
        entry: DirectoryEntryView,
        if_version: Option<u64>,
    ) -> Result<(u64, bool), RegisterError> {
        self.change(move |writer| writer.put_entry(&entry, if_version)).await
    }

    /// Takes an entry away; whether there was one.
    ///
    /// # Errors
    /// As [`Register::put_customer`].
    pub async fn delete_entry(&self, id: &str, if_version: Option<u64>) -> Result<bool, RegisterError> {
        let id = id.to_owned();
        self.change(move |writer| writer.delete_entry(&id, if_version)).await
    }

    /// Reads a file into the directory: all of it or nothing.
    ///
    /// # Errors
    /// As [`Register::import_customers`].
    pub async fn import_entries(
        &self,
        mut file: File,
        options: ImportOptions,
    ) -> Result<Imported, RegisterError> {
        self.change(move |writer| writer.import_entries(&mut file, options)).await
    }

    async fn query<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, RegisterError> + Send + 'static,
    ) -> Result<T, RegisterError> {
        let reader = Arc::clone(&self.0.reader);
        let read =
            tokio::task::spawn_blocking(move || look(&reader.lock().unwrap_or_else(PoisonError::into_inner)));
        read.await.unwrap_or(Err(RegisterError::Closed))
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, RegisterError> + Send + 'static,
    ) -> Result<T, RegisterError> {
        let (done, answer) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            // Whoever asked may have gone; the change stands.
            let _ = done.send(work(writer));
        });
        let queue = self.0.queue.as_ref().ok_or(RegisterError::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => RegisterError::Busy,
            TrySendError::Disconnected(_) => RegisterError::Closed,
        })?;
        answer.await.unwrap_or(Err(RegisterError::Closed))
    }

    fn recognition<'a>(
        &self,
        number: &Normalised<'_>,
        raw: Option<Cow<'a, str>>,
        directory: &Directory,
    ) -> RecognitionView<'a> {
        let mut matches = Vec::new();
        if let Some(e164) = number.e164 {
            // One more than is told, to know that there are more.
            read(&self.0.shared.table).look_up(e164, |known| {
                let of = Some(known.of).filter(|of| !of.is_empty());
                matches.push(MatchView {
                    kind: MatchKind::from(known.kind),
                    reference: Cow::Owned(known.reference.to_owned()),
                    name: Cow::Owned(known.name.to_owned()),
                    role: if of.is_some() { MatchRole::Representative } else { MatchRole::Customer },
                    of: of.map(|of| Cow::Owned(of.to_owned())),
                });
                matches.len() <= MATCHES_MAX
            });
        }
        matches.extend(directory.of_number(number).take(MATCHES_MAX + 1).map(colleague));
        matches.sort();
        let more = matches.len() > MATCHES_MAX;
        matches.truncate(MATCHES_MAX);
        let number = NumberView {
            raw,
            e164: number.e164,
            extension: number.extension.as_ref().map(Digits::as_str).map(|text| Cow::Owned(text.to_owned())),
            kind: number.kind,
        };
        RecognitionView::of(number, matches, more)
    }
}

impl Recognise for Register {
    fn recognise<'a>(&self, party: &'a Party) -> RecognitionView<'a> {
        let (plan, raw) = (self.plan(), raw_of(party));
        let directory = self.directory();
        match &party.number {
            // What a caller does not want to show is not looked up, also where the telephone system tells it.
            Some(number) if !party.restricted => {
                let number = plan.normalise(number.expose());
                self.recognition(&number, raw, &directory)
            }
            _ => {
                let number =
                    NumberView { raw: None, e164: None, extension: None, kind: NumberKind::Anonymous };
                RecognitionView::of(number, Vec::new(), false)
            }
        }
    }
}

fn colleague(entry: &DirectoryEntryView) -> MatchView<'static> {
    MatchView {
        kind: match entry.kind {
            EntryKind::Person => MatchKind::Colleague,
            EntryKind::Department => MatchKind::Department,
        },
        reference: Cow::Owned(entry.id.clone()),
        name: Cow::Owned(entry.name.clone()),
        role: MatchRole::Colleague,
        of: None,
    }
}
