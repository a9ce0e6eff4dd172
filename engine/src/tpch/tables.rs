//! The eight tables: names, columns, keys, sizes and generators.

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow, SupplierArrow,
};

use super::{RecordBatchIterator, TableColumn, TableDefinition, WriteError, parse_sql_type};

/// Lines per order, on average.
const LINES_PER_ORDER: u64 = 4;

/// A table of TPC-H.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TpchTable {
    /// 5 rows at every scale.
    Region,
    /// 25 rows at every scale.
    Nation,
    /// 10,000 rows at scale 1.
    Supplier,
    /// 150,000 rows at scale 1.
    Customer,
    /// 200,000 rows at scale 1.
    Part,
    /// 800,000 rows at scale 1.
    PartSupp,
    /// 1,500,000 rows at scale 1.
    Orders,
    /// About 6,000,000 rows at scale 1.
    LineItem,
}

impl TpchTable {
    /// All of them; what a foreign key refers to comes first.
    pub const ALL: [Self; 8] = [
        Self::Region,
        Self::Nation,
        Self::Supplier,
        Self::Customer,
        Self::Part,
        Self::PartSupp,
        Self::Orders,
        Self::LineItem,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Nation => "nation",
            Self::Supplier => "supplier",
            Self::Customer => "customer",
            Self::Part => "part",
            Self::PartSupp => "partsupp",
            Self::Orders => "orders",
            Self::LineItem => "lineitem",
        }
    }

    /// What it is about, in one line.
    pub fn description(self) -> &'static str {
        match self {
            Self::Region => "regions of the world",
            Self::Nation => "nations and their regions",
            Self::Supplier => "who supplies parts",
            Self::Customer => "who orders parts",
            Self::Part => "what is sold",
            Self::PartSupp => "which supplier has which part, and at what cost",
            Self::Orders => "what customers ordered",
            Self::LineItem => "the lines of the orders",
        }
    }

    /// The columns that identify a row.
    pub fn primary_key(self) -> &'static [&'static str] {
        match self {
            Self::Region => &["r_regionkey"],
            Self::Nation => &["n_nationkey"],
            Self::Supplier => &["s_suppkey"],
            Self::Customer => &["c_custkey"],
            Self::Part => &["p_partkey"],
            Self::PartSupp => &["ps_partkey", "ps_suppkey"],
            Self::Orders => &["o_orderkey"],
            Self::LineItem => &["l_orderkey", "l_linenumber"],
        }
    }

    /// Its columns, in order: names and types in SQL words. None of them holds NULL.
    pub fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Region => &REGION,
            Self::Nation => &NATION,
            Self::Supplier => &SUPPLIER,
            Self::Customer => &CUSTOMER,
            Self::Part => &PART,
            Self::PartSupp => &PARTSUPP,
            Self::Orders => &ORDERS,
            Self::LineItem => &LINEITEM,
        }
    }

    /// How many rows it has at a scale; of `lineitem` only nearly.
    pub fn rows(self, scale: f64) -> u64 {
        let rows = match self {
            Self::Region => 5,
            Self::Nation => 25,
            Self::Supplier => SupplierGenerator::calculate_row_count(scale, 1, 1),
            Self::Customer => CustomerGenerator::calculate_row_count(scale, 1, 1),
            Self::Part => PartGenerator::calculate_row_count(scale, 1, 1),
            Self::PartSupp => 4 * PartGenerator::calculate_row_count(scale, 1, 1),
            Self::Orders => OrderGenerator::calculate_row_count(scale, 1, 1),
            Self::LineItem => return LINES_PER_ORDER * Self::Orders.rows(scale),
        };
        u64::try_from(rows).unwrap_or_default()
    }

    /// The Delta table of it.
    ///
    /// # Errors
    /// None, as a test shows: the words of the types are fixed.
    pub fn definition(self, scale: f64) -> Result<TableDefinition, WriteError> {
        let columns = self.columns().iter().map(|(name, words)| {
            let data_type = parse_sql_type(words)?;
            Ok(TableColumn { name: (*name).to_owned(), data_type, nullable: false, comment: None })
        });
        let columns = columns.collect::<Result<Vec<_>, WriteError>>()?;
        let description = Some(format!("TPC-H at scale {scale}: {}", self.description()));
        Ok(TableDefinition { columns, description, ..TableDefinition::default() })
    }

    /// The generator makes the small ones whole only.
    pub(super) fn has_parts(self) -> bool {
        !matches!(self, Self::Region | Self::Nation)
    }

    /// The rows of one part, counted from 1.
    pub(super) fn generator(self, scale: f64, part: i32, parts: i32) -> Box<dyn RecordBatchIterator> {
        match self {
            Self::Region => Box::new(RegionArrow::new(RegionGenerator::new(scale, part, parts))),
            Self::Nation => Box::new(NationArrow::new(NationGenerator::new(scale, part, parts))),
            Self::Supplier => Box::new(SupplierArrow::new(SupplierGenerator::new(scale, part, parts))),
            Self::Customer => Box::new(CustomerArrow::new(CustomerGenerator::new(scale, part, parts))),
            Self::Part => Box::new(PartArrow::new(PartGenerator::new(scale, part, parts))),
            Self::PartSupp => Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, part, parts))),
            Self::Orders => Box::new(OrderArrow::new(OrderGenerator::new(scale, part, parts))),
            Self::LineItem => Box::new(LineItemArrow::new(LineItemGenerator::new(scale, part, parts))),
        }
    }
}

const REGION: [(&str, &str); 3] = [("r_regionkey", "BIGINT"), ("r_name", "STRING"), ("r_comment", "STRING")];

const NATION: [(&str, &str); 4] =
    [("n_nationkey", "BIGINT"), ("n_name", "STRING"), ("n_regionkey", "BIGINT"), ("n_comment", "STRING")];

const SUPPLIER: [(&str, &str); 7] = [
    ("s_suppkey", "BIGINT"),
    ("s_name", "STRING"),
    ("s_address", "STRING"),
    ("s_nationkey", "BIGINT"),
    ("s_phone", "STRING"),
    ("s_acctbal", "DECIMAL(15,2)"),
    ("s_comment", "STRING"),
];

const CUSTOMER: [(&str, &str); 8] = [
    ("c_custkey", "BIGINT"),
    ("c_name", "STRING"),
    ("c_address", "STRING"),
    ("c_nationkey", "BIGINT"),
    ("c_phone", "STRING"),
    ("c_acctbal", "DECIMAL(15,2)"),
    ("c_mktsegment", "STRING"),
    ("c_comment", "STRING"),
];

const PART: [(&str, &str); 9] = [
    ("p_partkey", "BIGINT"),
    ("p_name", "STRING"),
    ("p_mfgr", "STRING"),
    ("p_brand", "STRING"),
    ("p_type", "STRING"),
    ("p_size", "INT"),
    ("p_container", "STRING"),
    ("p_retailprice", "DECIMAL(15,2)"),
    ("p_comment", "STRING"),
];

const PARTSUPP: [(&str, &str); 5] = [
    ("ps_partkey", "BIGINT"),
    ("ps_suppkey", "BIGINT"),
    ("ps_availqty", "INT"),
    ("ps_supplycost", "DECIMAL(15,2)"),
    ("ps_comment", "STRING"),
];

const ORDERS: [(&str, &str); 9] = [
    ("o_orderkey", "BIGINT"),
    ("o_custkey", "BIGINT"),
    ("o_orderstatus", "STRING"),
    ("o_totalprice", "DECIMAL(15,2)"),
    ("o_orderdate", "DATE"),
    ("o_orderpriority", "STRING"),
    ("o_clerk", "STRING"),
    ("o_shippriority", "INT"),
    ("o_comment", "STRING"),
];

const LINEITEM: [(&str, &str); 16] = [
    ("l_orderkey", "BIGINT"),
    ("l_partkey", "BIGINT"),
    ("l_suppkey", "BIGINT"),
    ("l_linenumber", "INT"),
    ("l_quantity", "DECIMAL(15,2)"),
    ("l_extendedprice", "DECIMAL(15,2)"),
    ("l_discount", "DECIMAL(15,2)"),
    ("l_tax", "DECIMAL(15,2)"),
    ("l_returnflag", "STRING"),
    ("l_linestatus", "STRING"),
    ("l_shipdate", "DATE"),
    ("l_commitdate", "DATE"),
    ("l_receiptdate", "DATE"),
    ("l_shipinstruct", "STRING"),
    ("l_shipmode", "STRING"),
    ("l_comment", "STRING"),
];
