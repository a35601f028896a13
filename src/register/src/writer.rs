//! The thread that writes: one change after the other, each durable before it is seen or answered.

use crate::customers;
use crate::directory::Directory;
use crate::entries;
use crate::error::RegisterError;
use crate::import::{ImportOptions, Imported};
use crate::number::NumberPlan;
use crate::schema;
use crate::table::Table;
use rusqlite::{Connection, TransactionBehavior};
use schakel_contract::views::{CustomerView, DirectoryEntryView};
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

/// Limits of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Numbers of customers, those that are switched off too.
    pub numbers_max: u64,
    /// Entries of the directory.
    pub entries_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { numbers_max: 2_000_000, entries_max: 100_000 }
    }
}

/// What is looked up in, while the thread writes.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) table: RwLock<Table>,
    pub(crate) directory: RwLock<Arc<Directory>>,
    pub(crate) plan: RwLock<Arc<NumberPlan>>,
}

impl Shared {
    /// Makes the directory anew by the numbering plan of now, from the entries that it has.
    pub(crate) fn directory_by_plan(&self) {
        loop {
            let before = Arc::clone(&read(&self.directory));
            let plan = Arc::clone(&read(&self.plan));
            let renewed = Arc::new(before.by_plan(&plan));
            let mut current = write(&self.directory);
            // A change came between: its entries count.
            if Arc::ptr_eq(&current, &before) {
                *current = renewed;
                return;
            }
        }
    }
}

/// The one connection that writes.
pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) shared: Arc<Shared>,
    pub(crate) limits: Limits,
}

impl Writer {
    /// Puts a customer; his new version, and whether he is new.
    pub(crate) fn put_customer(
        &mut self,
        customer: &CustomerView,
        if_version: Option<u64>,
    ) -> Result<(u64, bool), RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = customers::get(&tx, &customer.reference)?;
        matches_version(if_version, before.as_ref().map(|before| before.version))?;
        let version = customers::put(&tx, customer)?;
        let grows = customer.numbers.len() > before.as_ref().map_or(0, |before| before.numbers.len());
        if grows && customers::count(&tx)? > self.limits.numbers_max {
            return Err(customers::too_many(self.limits.numbers_max));
        }
        tx.commit()?;
        let mut table = write(&self.shared.table);
        if let Some(before) = &before {
            remove(&mut table, before);
        }
        customers::insert(&mut table, customer);
        drop(table);
        self.renew_if_worn()?;
        Ok((version, before.is_none()))
    }

    /// Takes a customer away; whether there was one.
    pub(crate) fn delete_customer(
        &mut self,
        reference: &str,
        if_version: Option<u64>,
    ) -> Result<bool, RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = customers::get(&tx, reference)?;
        matches_version(if_version, before.as_ref().map(|before| before.version))?;
        let Some(before) = before else { return Ok(false) };
        customers::delete(&tx, reference)?;
        tx.commit()?;
        remove(&mut write(&self.shared.table), &before);
        self.renew_if_worn()?;
        Ok(true)
    }

    /// Forgets a customer and that others speak for him, in the file's unused pages and log too; the numbers that
    /// were forgotten.
    pub(crate) fn erase(&mut self, reference: &str) -> Result<u64, RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let own = customers::get(&tx, reference)?;
        let others = customers::speaking_for(&tx, reference)?;
        customers::delete(&tx, reference)?;
        let spoke = customers::delete_speaking_for(&tx, reference)?;
        // Of the others, what they are for themselves or for somebody else stays.
        let names: BTreeSet<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
        let mut stay = Vec::new();
        for name in names {
            stay.extend(customers::get(&tx, name)?);
        }
        tx.commit()?;
        let mut table = write(&self.shared.table);
        own.iter().for_each(|own| remove(&mut table, own));
        others.iter().for_each(|(name, number)| table.remove(*number, name));
        for other in &stay {
            remove(&mut table, other);
            customers::insert(&mut table, other);
        }
        drop(table);
        // Old rows would stay in the log until it is written over.
        self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        // The arena in memory holds what was there until it is made anew.
        self.renew_table()?;
        Ok(spoke + own.map_or(0, |own| own.numbers.len() as u64))
    }

    /// Reads a file of customers: all of it or nothing.
    pub(crate) fn import_customers(
        &mut self,
        file: &mut File,
        options: ImportOptions,
    ) -> Result<Imported, RegisterError> {
        let plan = Arc::clone(&read(&self.shared.plan));
        let most = self.limits.numbers_max;
        let done = schema::with_large_cache(&mut self.conn, |conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = customers::import(&tx, file, options, &plan, most)?;
            if options.dry_run || matches!(done, Imported::Refused(_)) {
                tx.rollback()?;
            } else {
                tx.commit()?;
            }
            Ok(done)
        })?;
        if !options.dry_run && matches!(done, Imported::Done(_)) {
            self.renew_table()?;
        }
        Ok(done)
    }

    /// Puts an entry of the directory; its new version, and whether it is new.
    pub(crate) fn put_entry(
        &mut self,
        entry: &DirectoryEntryView,
        if_version: Option<u64>,
    ) -> Result<(u64, bool), RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = entries::version(&tx, &entry.id)?;
        matches_version(if_version, before)?;
        let version = entries::put(&tx, entry)?;
        if before.is_none() && entries::count(&tx)? > self.limits.entries_max {
            return Err(entries::too_many(self.limits.entries_max));
        }
        tx.commit()?;
        self.renew_directory()?;
        Ok((version, before.is_none()))
    }

    /// Takes an entry away; whether there was one.
    pub(crate) fn delete_entry(&mut self, id: &str, if_version: Option<u64>) -> Result<bool, RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        matches_version(if_version, entries::version(&tx, id)?)?;
        let was_there = entries::delete(&tx, id)?;
        tx.commit()?;
        self.renew_directory()?;
        Ok(was_there)
    }

    /// Reads a file into the directory: all of it or nothing.
    pub(crate) fn import_entries(
        &mut self,
        file: &mut File,
        options: ImportOptions,
    ) -> Result<Imported, RegisterError> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = entries::import(&tx, file, options, self.limits.entries_max)?;
        if options.dry_run || matches!(done, Imported::Refused(_)) {
            tx.rollback()?;
            return Ok(done);
        }
        tx.commit()?;
        self.renew_directory()?;
        Ok(done)
    }

    /// Makes the directory anew from the file and the numbering plan.
    pub(crate) fn renew_directory(&mut self) -> Result<(), RegisterError> {
        loop {
            let plan = Arc::clone(&read(&self.shared.plan));
            let directory = Arc::new(Directory::new(entries::load(&self.conn)?, &plan));
            let mut current = write(&self.shared.directory);
            // Another plan came between: whoever brought it may have made the directory by it already.
            if Arc::ptr_eq(&read(&self.shared.plan), &plan) {
                let old = std::mem::replace(&mut *current, directory);
                drop(current);
                drop(old);
                return Ok(());
            }
        }
    }

    /// Makes the table of numbers anew from the file. Who looks up meanwhile sees the old one.
    fn renew_table(&mut self) -> Result<(), RegisterError> {
        let table = customers::load(&self.conn)?;
        // The old one is given back outside the lock: that takes longer than a look-up may wait.
        let old = std::mem::replace(&mut *write(&self.shared.table), table);
        drop(old);
        Ok(())
    }

    fn renew_if_worn(&mut self) -> Result<(), RegisterError> {
        let is_worn = read(&self.shared.table).is_worn();
        if is_worn { self.renew_table() } else { Ok(()) }
    }
}

fn remove(table: &mut Table, customer: &CustomerView) {
    for number in &customer.numbers {
        table.remove(number.number, &customer.reference);
    }
}

fn matches_version(asked: Option<u64>, found: Option<u64>) -> Result<(), RegisterError> {
    match asked {
        Some(asked) if found != Some(asked) => Err(RegisterError::VersionMismatch { found }),
        _ => Ok(()),
    }
}

/// A panic while something was changed leaves it whole: what is put in its place is made before.
pub(crate) fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
