//! A large estate in a store of its own: the same rows in every run, written past the doors, as no door takes a million
//! grants in a bearable time.
//!
//! Catalogs hold schemas, schemas hold tables of three to five columns; the first schema is crowded. Users are in two groups each,
//! groups in one group each, ten deep. Grants lie on tables (79 %), schemas (18 %) and catalogs (3 %).

use std::error::Error;
use std::path::Path;

use lakewarden_catalog::model::{
    Body, Column, ColumnId, Name, Principal, PrincipalId, PrincipalKind, PrincipalName, Privilege, PrivilegeSet,
    RequestId, Securable, SecurableId, TableBody, TableType,
};
use lakewarden_catalog::store::{Key, OpenOptions, Rows, Store, codec};
use lakewarden_catalog::{Caller, Metastore};
use uuid::Uuid;

/// When everything was made.
const MADE_MS: i64 = 1_750_000_000_000;
/// How many rows are written at once.
const BATCH: usize = 20_000;
/// How deep groups nest.
const NESTING: usize = 10;

/// A small generator of numbers, the same in every run.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

/// How large an estate is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub grants: usize,
    pub catalogs: usize,
    pub schemas: usize,
    pub tables: usize,
    /// How many of the tables are in the first schema.
    pub crowd: usize,
    pub users: usize,
    pub groups: usize,
}

impl Size {
    /// The size that the targets are set for.
    pub const FULL: Self = Self {
        grants: 1_000_000,
        catalogs: 1_000,
        schemas: 10_000,
        tables: 250_000,
        crowd: 10_000,
        users: 50_000,
        groups: 5_000,
    };

    /// A hundredth of it, to try the program.
    pub const SMALL: Self =
        Self { grants: 10_000, catalogs: 10, schemas: 100, tables: 2_500, crowd: 100, users: 500, groups: 50 };

    /// The size in numbers, for another process.
    pub fn numbers(self) -> String {
        let Self { grants, catalogs, schemas, tables, crowd, users, groups } = self;
        [grants, catalogs, schemas, tables, crowd, users, groups].map(|number| number.to_string()).join(",")
    }

    /// The size of such numbers.
    pub fn of_numbers(text: &str) -> Option<Self> {
        let numbers: Vec<usize> = text.split(',').filter_map(|number| number.parse().ok()).collect();
        let [grants, catalogs, schemas, tables, crowd, users, groups] = *numbers.as_slice() else { return None };
        Some(Self { grants, catalogs, schemas, tables, crowd, users, groups })
    }
}

/// What is in the store, by number.
#[derive(Debug, Clone, Copy)]
pub struct World {
    pub size: Size,
}

/// Ids lie like those of UUIDv7: in the order of their making, with random tails.
fn id(kind: u64, number: usize) -> Uuid {
    let mixed = (number as u64 ^ (kind << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let at_ms = MADE_MS as u64 + kind * 10_000_000 + number as u64;
    Uuid::from_u128(u128::from(at_ms) << 80 | 7 << 76 | 0x8 << 60 | u128::from(mixed >> 4))
}

impl World {
    /// What the admin is called, who owns the metastore.
    pub const ADMIN: &str = "admin@example.com";

    /// The principal with a number: the users, then the groups.
    pub fn principal(self, number: usize) -> PrincipalId {
        PrincipalId(id(1, number))
    }

    pub fn user_name(number: usize) -> String {
        if number == 0 { Self::ADMIN.to_owned() } else { format!("user{number}@example.com") }
    }

    pub fn metastore(self) -> SecurableId {
        SecurableId(id(2, 0))
    }

    pub fn catalog(self, number: usize) -> SecurableId {
        SecurableId(id(3, number))
    }

    pub fn schema(self, number: usize) -> SecurableId {
        SecurableId(id(4, number))
    }

    pub fn table(self, number: usize) -> SecurableId {
        SecurableId(id(5, number))
    }

    /// The schema that a table is in.
    pub fn schema_of(self, table: usize) -> usize {
        if table < self.size.crowd { 0 } else { 1 + (table - self.size.crowd) % (self.size.schemas - 1) }
    }

    /// The catalog that a schema is in.
    pub fn catalog_of(self, schema: usize) -> usize {
        schema % self.size.catalogs
    }

    /// The dotted name of a table.
    pub fn table_name(self, table: usize) -> String {
        let schema = self.schema_of(table);
        format!("catalog{}.schema{schema}.table{table}", self.catalog_of(schema))
    }

    /// A caller at the door.
    pub fn caller(metastore: &Metastore, name: &str) -> Result<Caller, Box<dyn Error>> {
        let name = PrincipalName::parse(name)?;
        let principal = metastore.principal_for_identity(&name).ok_or("no such user")?;
        let request_id = RequestId(metastore.clock().new_id());
        Ok(Caller { principal: principal.id, name, kind: principal.kind, request_id, door: "bench" })
    }

    /// Writes the estate into a new folder.
    pub fn build(size: Size, folder: &Path, options: &OpenOptions) -> Result<Self, Box<dyn Error>> {
        let world = Self { size };
        let mut writer = Writer { store: Store::open(folder, options)?, rows: Rows::new() };
        world.principals(&mut writer)?;
        world.securables(&mut writer)?;
        world.grants(&mut writer)?;
        writer.flush()?;
        writer.store.close()?;
        // The first opening reads the whole log and leaves a summary of it for the next.
        Store::open(folder, options)?.close()?;
        Ok(world)
    }

    fn principals(self, writer: &mut Writer) -> Result<(), Box<dyn Error>> {
        let Size { users, groups, .. } = self.size;
        let mut dice = Dice::new(1);
        let everybody = self.named(PrincipalId::ACCOUNT_USERS, PrincipalKind::Group, "account users")?;
        writer.put(Key::Principal(everybody.id), codec::encode(&everybody)?)?;
        for number in 0..users {
            let user = self.named(self.principal(number), PrincipalKind::User, &Self::user_name(number))?;
            writer.put(Key::Principal(user.id), codec::encode(&user)?)?;
            for _ in 0..2 {
                let group = self.principal(users + dice.below(groups));
                writer.put(Key::Member(group, user.id), Vec::new())?;
            }
        }
        let level = groups / NESTING;
        for number in 0..groups {
            let name = format!("group {number} of the estate");
            let group = self.named(self.principal(users + number), PrincipalKind::Group, &name)?;
            writer.put(Key::Principal(group.id), codec::encode(&group)?)?;
            if number >= level {
                let above = self.principal(users + (number / level - 1) * level + dice.below(level));
                writer.put(Key::Member(above, group.id), Vec::new())?;
            }
        }
        Ok(())
    }

    fn named(self, id: PrincipalId, kind: PrincipalKind, name: &str) -> Result<Principal, Box<dyn Error>> {
        let (name, created_by) = (PrincipalName::parse(name)?, PrincipalId::SYSTEM);
        Ok(Principal { id, kind, name, comment: None, created_at_ms: MADE_MS, created_by, etag: 1 })
    }

    fn securables(self, writer: &mut Writer) -> Result<(), Box<dyn Error>> {
        let (mut dice, mut names) = (Dice::new(2), Dice::new(4));
        let Size { catalogs, schemas, tables, users, groups, .. } = self.size;
        let root = self.metastore();
        writer.securable(&self.securable(root, None, "estate", 0, Body::Metastore)?)?;
        let mut owner = || users + dice.below(groups);
        for number in 0..catalogs {
            let name = format!("catalog{number}");
            writer.securable(&self.securable(self.catalog(number), Some(root), &name, owner(), Body::Catalog)?)?;
        }
        for number in 0..schemas {
            let parent = Some(self.catalog(self.catalog_of(number)));
            let name = format!("schema{number}");
            writer.securable(&self.securable(self.schema(number), parent, &name, owner(), Body::Schema)?)?;
        }
        for number in 0..tables {
            let (id, parent) = (self.table(number), Some(self.schema(self.schema_of(number))));
            let location = format!("file:///var/lib/lakewarden/data/tables/{id}").into();
            let columns = columns(&mut names);
            let body =
                TableBody { table_type: TableType::Managed, location, columns, next_column_id: 5, row_filter: None };
            writer.securable(&self.securable(id, parent, &format!("table{number}"), owner(), Body::Table(body))?)?;
        }
        Ok(())
    }

    fn securable(
        self,
        id: SecurableId,
        parent: Option<SecurableId>,
        name: &str,
        owner: usize,
        body: Body,
    ) -> Result<Securable, Box<dyn Error>> {
        let by = self.principal(0);
        Ok(Securable {
            id,
            parent,
            name: Name::parse(name)?,
            owner: self.principal(owner),
            comment: None,
            properties: Default::default(),
            tags: None,
            policies: None,
            created_at_ms: MADE_MS,
            created_by: by,
            updated_at_ms: MADE_MS,
            updated_by: by,
            etag: 1,
            body,
        })
    }

    fn grants(self, writer: &mut Writer) -> Result<(), Box<dyn Error>> {
        let mut dice = Dice::new(3);
        let Size { grants, catalogs, schemas, tables, .. } = self.size;
        let (on_catalogs, on_schemas) = (grants * 3 / 100, grants * 18 / 100);
        for number in 0..grants {
            let on = if number < on_catalogs {
                self.catalog(number % catalogs)
            } else if number < on_catalogs + on_schemas {
                self.schema(number % schemas)
            } else {
                self.table(number % tables)
            };
            let set = self.privileges(&mut dice, number < on_catalogs + on_schemas);
            // A turn of the numbers keeps two grants on one securable from going to one principal.
            let to = self.grantee(&mut dice, number);
            // One row in fifty is a denial.
            let (allow, deny) = if number % 50 == 7 { (0, set.0) } else { (set.0, 0) };
            writer.put(Key::Grant(on, to), codec::encode_grant(allow, deny))?;
        }
        Ok(())
    }

    /// Half of the grants go to groups. User 0, the admin, holds none, and user 1 is left for the listing.
    fn grantee(self, dice: &mut Dice, number: usize) -> PrincipalId {
        let Size { users, groups, .. } = self.size;
        self.principal(if number.is_multiple_of(2) { users + dice.below(groups) } else { 2 + dice.below(users - 2) })
    }

    fn privileges(self, dice: &mut Dice, container: bool) -> PrivilegeSet {
        use Privilege as P;
        const CONTAINER: &[&[P]] =
            &[&[P::UseCatalog, P::UseSchema], &[P::UseSchema, P::Select], &[P::CreateTable], &[P::Execute]];
        const TABLE: &[&[P]] = &[&[P::Select], &[P::Select, P::Modify], &[P::Modify], &[P::AllPrivileges]];
        let sets = if container { CONTAINER } else { TABLE };
        sets.get(dice.below(sets.len())).into_iter().flat_map(|set| set.iter().copied()).collect()
    }
}

/// Three to five columns of some thousand names.
fn columns(dice: &mut Dice) -> Vec<Column> {
    const OF: [&str; 20] = [
        "order", "customer", "product", "shipment", "invoice", "payment", "account", "store", "region", "employee",
        "campaign", "session", "device", "contract", "supplier", "ticket", "visit", "refund", "vehicle", "sensor",
    ];
    const WHAT: [&str; 10] =
        ["id", "name", "amount", "created_at", "updated_at", "status", "code", "count", "address", "description"];
    const TYPES: [&str; 6] = ["BIGINT", "STRING", "DECIMAL(12,2)", "TIMESTAMP", "DOUBLE", "BOOLEAN"];
    let mut any = |words: &[&'static str]| words.get(dice.below(words.len())).copied().unwrap_or_default();
    let some = 3 + any(&["", "x", "xx"]).len();
    let column = |at: usize| Column {
        id: ColumnId(at as u32),
        name: format!("{}_{}_{}{at}", any(&OF), any(&OF), any(&WHAT)).into(),
        type_text: any(&TYPES).into(),
        nullable: true,
        comment: None,
        partition_index: None,
        mask: None,
        field_masks: None,
        tags: None,
    };
    (0..some).map(column).collect()
}

/// Rows on their way into a store.
struct Writer {
    store: Store,
    rows: Rows,
}

impl Writer {
    fn put(&mut self, key: Key, value: Vec<u8>) -> Result<(), Box<dyn Error>> {
        self.rows.put(key, value);
        if self.rows.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn securable(&mut self, securable: &Securable) -> Result<(), Box<dyn Error>> {
        self.put(Key::Securable(securable.id), codec::encode(securable)?)
    }

    fn flush(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(self.store.commit(&std::mem::take(&mut self.rows))?)
    }
}
