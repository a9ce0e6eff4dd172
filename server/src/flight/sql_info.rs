//! What the server says of itself: `GetSqlInfo` and `GetXdbcTypeInfo`.

use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{
    SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
};
use arrow_flight::sql::{Nullable, Searchable, SqlInfo, SqlNullOrdering, SqlSupportedTransaction, XdbcDataType};

/// The major version of Arrow that answers are written with.
const ARROW_VERSION: &str = "59";

pub(super) fn sql_info() -> Result<SqlInfoData, FlightError> {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "lakewarden");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_VERSION);
    info.append(SqlInfo::FlightSqlServerReadOnly, false);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    info.append(SqlInfo::FlightSqlServerCancel, true);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    info.append(SqlInfo::FlightSqlServerStatementTimeout, 0i32);
    info.append(SqlInfo::FlightSqlServerTransactionTimeout, 0i32);
    info.append(SqlInfo::SqlDdlCatalog, true);
    info.append(SqlInfo::SqlDdlSchema, true);
    info.append(SqlInfo::SqlDdlTable, true);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "`");
    info.append(SqlInfo::SqlAllTablesAreSelectable, false);
    info.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    info.append(SqlInfo::SqlSchemaTerm, "schema");
    info.append(SqlInfo::SqlCatalogTerm, "catalog");
    info.append(SqlInfo::SqlCatalogAtStart, true);
    info.append(SqlInfo::SqlTransactionsSupported, false);
    info.append(SqlInfo::SqlBatchUpdatesSupported, true);
    info.append(SqlInfo::SqlSavepointsSupported, false);
    info.append(SqlInfo::SqlStoredProceduresSupported, false);
    info.append(SqlInfo::SqlSelectForUpdateSupported, false);
    info.build()
}

pub(super) fn type_info() -> Result<XdbcTypeInfoData, FlightError> {
    use XdbcDataType as T;
    let types = [
        ("BOOLEAN", T::XdbcBit, None, None),
        ("TINYINT", T::XdbcTinyint, Some(3), None),
        ("SMALLINT", T::XdbcSmallint, Some(5), None),
        ("INT", T::XdbcInteger, Some(10), None),
        ("BIGINT", T::XdbcBigint, Some(19), None),
        ("FLOAT", T::XdbcReal, Some(7), None),
        ("DOUBLE", T::XdbcDouble, Some(15), None),
        ("DECIMAL", T::XdbcDecimal, Some(38), Some(vec!["precision", "scale"])),
        ("STRING", T::XdbcVarchar, None, None),
        ("BINARY", T::XdbcVarbinary, None, None),
        ("DATE", T::XdbcDate, Some(10), None),
        ("TIMESTAMP", T::XdbcTimestamp, Some(26), None),
    ];
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for (name, data_type, column_size, parameters) in types {
        builder.append(described(name, data_type, column_size, parameters));
    }
    builder.build()
}

fn described(
    name: &str,
    data_type: XdbcDataType,
    column_size: Option<i32>,
    parameters: Option<Vec<&str>>,
) -> XdbcTypeInfo {
    let quoted = matches!(name, "STRING" | "DATE" | "TIMESTAMP").then(|| "'".to_owned());
    let is_number = !matches!(name, "BOOLEAN" | "STRING" | "BINARY" | "DATE" | "TIMESTAMP");
    XdbcTypeInfo {
        type_name: name.to_owned(),
        data_type,
        column_size,
        literal_prefix: quoted.clone(),
        literal_suffix: quoted,
        create_params: parameters.map(|names| names.into_iter().map(str::to_owned).collect()),
        nullable: Nullable::NullabilityNullable,
        case_sensitive: name == "STRING",
        searchable: Searchable::Full,
        unsigned_attribute: is_number.then_some(false),
        fixed_prec_scale: false,
        auto_increment: None,
        local_type_name: Some(name.to_owned()),
        minimum_scale: (name == "DECIMAL").then_some(0),
        maximum_scale: (name == "DECIMAL").then_some(38),
        sql_data_type: data_type,
        datetime_subcode: None,
        num_prec_radix: is_number.then_some(10),
        interval_precision: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_can_be_built() {
        let info = sql_info().unwrap();
        assert_eq!(info.record_batch([SqlInfo::FlightSqlServerName as u32]).unwrap().num_rows(), 1);
        assert_eq!(type_info().unwrap().record_batch(None).unwrap().num_rows(), 12);
    }
}
