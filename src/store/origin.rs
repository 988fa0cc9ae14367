//! Whose history is whose: under one name, a server of another kind or address is another source.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::words::Trouble;

/// What a configuration says of a source.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub name: &'a str,
    pub kind: &'a str,
    pub address: &'a str,
}

impl Origin<'_> {
    /// The name in the file while another one bears the short name.
    fn long(&self) -> String {
        format!("{}, {} at {}", self.name, self.kind, self.address)
    }

    /// Whether these are the same: what is not known contradicts nothing.
    fn is(&self, kind: &str, address: &str) -> bool {
        let same = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
        same(self.kind, kind) && same(self.address, address)
    }
}

/// The row of a source, under its short name or its long one.
pub fn find(base: &Connection, origin: Origin<'_>) -> Result<Option<i64>, Trouble> {
    let mut short = base.prepare_cached("SELECT id, kind, address FROM source WHERE name = ?1")?;
    let mut rows = short.query([origin.name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    if origin.is(row.get_ref(1)?.as_str().unwrap_or(""), row.get_ref(2)?.as_str().unwrap_or("")) {
        return Ok(Some(row.get(0)?));
    }
    let mut long = base.prepare_cached("SELECT id FROM source WHERE name = ?1")?;
    Ok(long.query_row([origin.long()], |row| row.get(0)).optional()?)
}

/// The row of a source, made where there is none. Who bears the short name is left as it is.
pub fn find_or_make(base: &Connection, origin: Origin<'_>) -> Result<i64, Trouble> {
    if let Some(id) = find(base, origin)? {
        return Ok(id);
    }
    let free = named(base, origin.name)?.is_none();
    let name = if free { origin.name.to_owned() } else { origin.long() };
    base.prepare_cached("INSERT INTO source(name, kind, address) VALUES (?1, ?2, ?3)")?
        .execute(params![name, origin.kind, origin.address])?;
    Ok(base.last_insert_rowid())
}

/// Gives a source its short name; who bore it keeps what is remembered of him, under his long one.
pub fn claim(base: &Connection, origin: Origin<'_>) -> Result<(), Trouble> {
    let own = find_or_make(base, origin)?;
    let mut rename = base.prepare_cached("UPDATE source SET name = ?2 WHERE id = ?1")?;
    if let Some((other, kind, address)) = named(base, origin.name)?.filter(|(id, ..)| *id != own) {
        let before = Origin { name: origin.name, kind: &kind, address: &address };
        rename.execute(params![other, before.long()])?;
        rename.execute(params![own, origin.name])?;
    }
    base.prepare_cached(
        "UPDATE source SET kind = ?2, address = ?3 WHERE id = ?1 AND (kind <> ?2 OR address <> ?3)",
    )?
    .execute(params![own, origin.kind, origin.address])?;
    Ok(())
}

fn named(base: &Connection, name: &str) -> Result<Option<(i64, String, String)>, Trouble> {
    let mut row = base.prepare_cached("SELECT id, kind, address FROM source WHERE name = ?1")?;
    Ok(row.query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?)
}
