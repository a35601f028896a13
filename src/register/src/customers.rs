//! Customers and their numbers in the file, and from there in memory.

use crate::error::RegisterError;
use crate::import::{self, CustomerRow, ImportOptions, Imported, Mistakes, Mode};
use crate::number::NumberPlan;
use crate::table::{Known, Table};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use schakel_contract::E164;
use schakel_contract::views::{CustomerKind, CustomerNumberView, CustomerView, ImportReportView};
use std::fs::File;

/// One customer, with the numbers that are switched off too.
pub(crate) fn get(conn: &Connection, reference: &str) -> Result<Option<CustomerView>, RegisterError> {
    let found = conn
        .prepare_cached("SELECT kind, name, version FROM customers WHERE reference = ?1")?
        .query_row([reference], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?)))
        .optional()?;
    let Some((kind, name, version)) = found else { return Ok(None) };
    let mut statement = conn
        .prepare_cached("SELECT number, enabled, of FROM numbers WHERE reference = ?1 ORDER BY number, of")?;
    let rows = statement.query_map([reference], |row| {
        let of: String = row.get(2)?;
        Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?, Some(of).filter(|of| !of.is_empty())))
    })?;
    let mut numbers = Vec::new();
    for row in rows {
        let (number, enabled, representative_of) = row?;
        numbers.extend(e164(number).map(|number| CustomerNumberView { number, enabled, representative_of }));
    }
    Ok(Some(CustomerView {
        reference: reference.to_owned(),
        kind: kind_of(kind),
        name,
        numbers,
        version: version as u64,
    }))
}

/// Puts a customer in the place of what was there of him; his new version.
pub(crate) fn put(tx: &Transaction<'_>, customer: &CustomerView) -> Result<u64, RegisterError> {
    let version = next_change(tx)?;
    delete(tx, &customer.reference)?;
    tx.prepare_cached("INSERT INTO customers (reference, kind, name, version) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![customer.reference, code_of(customer.kind), customer.name, version as i64])?;
    let mut insert = tx.prepare_cached(INSERT_NUMBER)?;
    for number in &customer.numbers {
        let of = number.representative_of.as_deref().unwrap_or("");
        insert.execute(params![
            customer.reference,
            number.number.digits() as i64,
            of,
            number.enabled,
            version as i64
        ])?;
    }
    Ok(version)
}

/// Takes a customer away; whether there was one.
pub(crate) fn delete(tx: &Transaction<'_>, reference: &str) -> Result<bool, RegisterError> {
    tx.prepare_cached("DELETE FROM numbers WHERE reference = ?1")?.execute([reference])?;
    Ok(tx.prepare_cached("DELETE FROM customers WHERE reference = ?1")?.execute([reference])? > 0)
}

/// The numbers of others who speak for a customer: their references and numbers.
pub(crate) fn speaking_for(conn: &Connection, reference: &str) -> Result<Vec<(String, E164)>, RegisterError> {
    let mut statement =
        conn.prepare_cached("SELECT reference, number FROM numbers WHERE of = ?1 AND of <> ''")?;
    let rows =
        statement.query_map([reference], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (reference, number) = row?;
        found.extend(e164(number).map(|number| (reference, number)));
    }
    Ok(found)
}

/// Those of a customer's numbers that others have too, switched on or off. Looks at every number.
pub(crate) fn shared_numbers(conn: &Connection, reference: &str) -> Result<Vec<E164>, RegisterError> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT number FROM numbers WHERE reference <> ?1
         AND number IN (SELECT number FROM numbers WHERE reference = ?1)",
    )?;
    let rows = statement.query_map([reference], |row| row.get::<_, i64>(0))?;
    let mut found = Vec::new();
    for row in rows {
        found.extend(e164(row?));
    }
    Ok(found)
}

/// Takes away that anybody speaks for a customer.
pub(crate) fn delete_speaking_for(tx: &Transaction<'_>, reference: &str) -> Result<u64, RegisterError> {
    Ok(tx.execute("DELETE FROM numbers WHERE of = ?1 AND of <> ''", [reference])? as u64)
}

/// How many numbers are kept, those that are switched off too.
pub(crate) fn count(conn: &Connection) -> Result<u64, RegisterError> {
    Ok(conn.query_row("SELECT count(*) FROM numbers", [], |row| row.get::<_, i64>(0))? as u64)
}

/// Everything that is switched on, for the look-up.
pub(crate) fn load(conn: &Connection) -> Result<Table, RegisterError> {
    let mut table = Table::with_capacity(usize::try_from(count(conn)?).unwrap_or(0));
    let mut statement = conn.prepare(
        "SELECT n.reference, n.of, n.number, c.kind, c.name FROM numbers n JOIN customers c USING (reference)
         WHERE n.enabled ORDER BY n.reference, n.of",
    )?;
    let mut rows = statement.query([])?;
    // A customer's numbers come one behind the other, and share his text.
    let (mut last, mut text) = ((String::new(), String::new()), None);
    while let Some(row) = rows.next()? {
        let (reference, of) = (text_of(row, 0)?, text_of(row, 1)?);
        if text.is_none() || last.0 != reference || last.1 != of {
            text = table.text(Known { kind: kind_of(row.get(3)?), reference, name: text_of(row, 4)?, of });
            last.0.replace_range(.., reference);
            last.1.replace_range(.., of);
        }
        if let (Some(number), Some(text)) = (e164(row.get(2)?), text) {
            table.insert(number, text);
        }
    }
    Ok(table)
}

/// Leads the numbers of a customer that are switched on to him.
pub(crate) fn insert(table: &mut Table, customer: &CustomerView) {
    let mut texts: Vec<(&str, crate::table::TextAt)> = Vec::new();
    for number in customer.numbers.iter().filter(|number| number.enabled) {
        let of = number.representative_of.as_deref().unwrap_or("");
        let known = Known { kind: customer.kind, reference: &customer.reference, name: &customer.name, of };
        let kept = texts.iter().find(|(kept, _)| *kept == of).map(|(_, at)| *at);
        let Some(text) = kept.or_else(|| table.text(known)) else { continue };
        if kept.is_none() {
            texts.push((of, text));
        }
        table.insert(number.number, text);
    }
}

/// Reads a file into the tables, in a transaction that the caller commits or not. Of a reference that is there twice
/// the last name and kind count.
pub(crate) fn import(
    tx: &Transaction<'_>,
    file: &mut File,
    options: ImportOptions,
    plan: &NumberPlan,
    numbers_max: u64,
) -> Result<Imported, RegisterError> {
    let version = next_change(tx)? as i64;
    let mut customer = tx.prepare_cached(
        "INSERT INTO customers (reference, kind, name, version) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (reference) DO UPDATE SET kind = ?2, name = ?3, version = ?4",
    )?;
    let mut number = tx.prepare_cached(INSERT_NUMBER)?;
    let (mut mistakes, mut rows, mut failed) = (Mistakes::default(), 0, None);
    import::read(file, options.format, &CustomerRow::COLUMNS, &mut mistakes, &mut |row, mistakes| {
        rows += 1;
        let Some(read) = CustomerRow::of(row, plan, mistakes) else { return };
        // After the first mistake nothing will be stored: the rest is only read.
        if mistakes.count > 0 || failed.is_some() {
            return;
        }
        let digits = read.number.digits() as i64;
        let stored = customer
            .execute(params![read.reference, code_of(read.kind), read.name, version])
            .and_then(|_| {
                number.execute(params![
                    read.reference,
                    digits,
                    read.of.unwrap_or_default(),
                    read.enabled,
                    version
                ])
            });
        failed = stored.err();
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if mistakes.count > 0 {
        return Ok(Imported::Refused(mistakes));
    }
    let removed = match options.mode {
        Mode::Merge => 0,
        // Those that the file does not name.
        Mode::Replace => {
            tx.execute("DELETE FROM customers WHERE version <> ?1", [version])?;
            tx.execute("DELETE FROM numbers WHERE version <> ?1", [version])?
        }
    };
    let total = count(tx)?;
    if total > numbers_max {
        return Err(too_many(numbers_max));
    }
    Ok(Imported::Done(ImportReportView { dry_run: options.dry_run, rows, total, removed: removed as u64 }))
}

/// More numbers than the limit.
pub(crate) fn too_many(most: u64) -> RegisterError {
    RegisterError::TooMany { what: "numbers", most, key: "numbers_max" }
}

/// The number of the next change, for versions.
pub(crate) fn next_change(tx: &Transaction<'_>) -> Result<u64, RegisterError> {
    let sql = "UPDATE changes SET n = n + 1 RETURNING n";
    Ok(tx.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))? as u64)
}

const INSERT_NUMBER: &str =
    "INSERT INTO numbers (reference, number, of, enabled, version) VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (reference, number, of) DO UPDATE SET enabled = ?4, version = ?5";

fn e164(number: i64) -> Option<E164> {
    u64::try_from(number).ok().and_then(E164::from_digits)
}

fn text_of<'a>(row: &'a rusqlite::Row<'_>, at: usize) -> Result<&'a str, rusqlite::Error> {
    Ok(row.get_ref(at)?.as_str()?)
}

const PERSON: i64 = 1;
const ORGANISATION: i64 = 2;

fn code_of(kind: CustomerKind) -> i64 {
    match kind {
        CustomerKind::Person => PERSON,
        CustomerKind::Organisation => ORGANISATION,
    }
}

fn kind_of(code: i64) -> CustomerKind {
    if code == PERSON { CustomerKind::Person } else { CustomerKind::Organisation }
}
