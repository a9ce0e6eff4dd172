//! The answers of the quickstart worked out without its engine, its policies or SQL: from the Parquet files as they were
//! written, with loops.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::prelude::{ParquetReadOptions, SessionContext};

/// What is stored, by the name of the first column, which tells the table.
pub struct Stored(BTreeMap<String, RecordBatch>);

/// What a caller sees of a customer.
pub struct Seen {
    balance_cents: i128,
    phone: String,
    address: String,
}

/// Nothing hidden.
pub fn as_stored(seen: Seen) -> Seen {
    seen
}

/// The country code, a whole thousand, no address.
pub fn masked(seen: Seen) -> Seen {
    Seen {
        balance_cents: seen.balance_cents.div_euclid(100_000) * 100_000,
        phone: format!("{}-***-***-****", &seen.phone[..2]),
        address: "(hidden)".to_owned(),
    }
}

#[derive(Default)]
struct Total {
    orders: u64,
    revenue_cents: i128,
    top_balance_cents: Option<i128>,
    first_phone: Option<String>,
    first_address: Option<String>,
}

impl Stored {
    /// Reads the tables in these folders; each has been written once.
    pub async fn read(tables: &Path) -> Self {
        let session = SessionContext::new();
        let mut stored = BTreeMap::new();
        for entry in std::fs::read_dir(tables).unwrap() {
            let folder = entry.unwrap().path().display().to_string();
            let frame = session.read_parquet(folder, ParquetReadOptions::default()).await.unwrap();
            let batches = frame.collect().await.unwrap();
            let schema = batches[0].schema();
            stored.insert(schema.field(0).name().clone(), concat_batches(&schema, &batches).unwrap());
        }
        Self(stored)
    }

    /// The rows of the question: for each region region, orders, revenue, top balance, first phone, first address.
    pub fn answer(&self, regions: &[&str], see: fn(Seen) -> Seen) -> Vec<[String; 6]> {
        let region_names = self.texts("r_regionkey", "r_name");
        let region_of_key: BTreeMap<i64, String> =
            self.keys("r_regionkey", "r_regionkey").into_iter().zip(region_names).collect();
        let region_of_nation: BTreeMap<i64, String> = self
            .keys("n_nationkey", "n_nationkey")
            .into_iter()
            .zip(self.keys("n_nationkey", "n_regionkey").iter().map(|key| region_of_key[key].clone()))
            .collect();
        let customers = self.keys("c_custkey", "c_custkey");
        let place: BTreeMap<i64, usize> = customers.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        let nations = self.keys("c_custkey", "c_nationkey");
        let (phones, addresses) = (self.texts("c_custkey", "c_phone"), self.texts("c_custkey", "c_address"));
        let balances = self.cents("c_custkey", "c_acctbal");

        let mut totals: BTreeMap<String, Total> = BTreeMap::new();
        let orders = self.keys("o_orderkey", "o_custkey").into_iter().zip(self.cents("o_orderkey", "o_totalprice"));
        for (customer, price) in orders {
            let at = place[&customer];
            let region = &region_of_nation[&nations[at]];
            if !regions.contains(&region.as_str()) {
                continue;
            }
            let (phone, address) = (phones[at].clone(), addresses[at].clone());
            let seen = see(Seen { balance_cents: balances[at], phone, address });
            let total = totals.entry(region.clone()).or_default();
            total.orders += 1;
            total.revenue_cents += price;
            total.top_balance_cents = total.top_balance_cents.max(Some(seen.balance_cents));
            let lesser = |old: Option<String>, new: String| Some(old.map_or(new.clone(), |old| old.min(new)));
            total.first_phone = lesser(total.first_phone.take(), seen.phone);
            total.first_address = lesser(total.first_address.take(), seen.address);
        }
        totals.into_iter().map(|(region, total)| row(region, total)).collect()
    }

    fn column(&self, table: &str, column: &str, data_type: &DataType) -> arrow::array::ArrayRef {
        cast(self.0[table].column_by_name(column).unwrap(), data_type).unwrap()
    }

    fn keys(&self, table: &str, column: &str) -> Vec<i64> {
        self.column(table, column, &DataType::Int64).as_primitive::<Int64Type>().values().to_vec()
    }

    fn texts(&self, table: &str, column: &str) -> Vec<String> {
        let texts = self.column(table, column, &DataType::Utf8);
        texts.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    }

    fn cents(&self, table: &str, column: &str) -> Vec<i128> {
        self.column(table, column, &DataType::Decimal128(38, 2)).as_primitive::<Decimal128Type>().values().to_vec()
    }
}

fn row(region: String, total: Total) -> [String; 6] {
    [
        region,
        total.orders.to_string(),
        money(total.revenue_cents),
        money(total.top_balance_cents.unwrap()),
        total.first_phone.unwrap(),
        total.first_address.unwrap(),
    ]
}

fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}
