//! How a database's own SQL is written, as far as it says where a literal begins and ends.

/// Who reads the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
    SqlServer,
    Oracle,
    /// Nobody knows: what is read otherwise by some is taken for malformed.
    Other,
}

/// What a pair of quotation marks holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    Literal,
    Name,
    /// It is no quotation mark.
    Nothing,
}

/// What a sign does that only some know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Means,
    MeansNothing,
    Doubtful,
}

impl Dialect {
    /// That of a `db.system.name`.
    pub(in crate::db) fn of(system: &str) -> Self {
        match system {
            "postgresql" | "cockroachdb" | "aws.redshift" | "redshift" | "yugabytedb" | "edb" => {
                Self::Postgres
            }
            "mysql" | "mariadb" | "tidb" => Self::MySql,
            "sqlite" => Self::Sqlite,
            "microsoft.sql_server" | "mssql" => Self::SqlServer,
            "oracle.db" | "oracle" => Self::Oracle,
            _ => Self::Other,
        }
    }

    /// `"…"`. SQLite takes an unknown name for a text.
    pub(super) fn double_quotes(self) -> Quoted {
        match self {
            Self::Postgres | Self::SqlServer | Self::Oracle => Quoted::Name,
            Self::MySql | Self::Sqlite | Self::Other => Quoted::Literal,
        }
    }

    /// `` `…` ``
    pub(super) fn backticks(self) -> Quoted {
        match self {
            Self::MySql | Self::Sqlite | Self::Other => Quoted::Name,
            Self::Postgres | Self::SqlServer | Self::Oracle => Quoted::Literal,
        }
    }

    /// `[…]`
    pub(super) fn brackets(self) -> Quoted {
        match self {
            Self::SqlServer | Self::Sqlite => Quoted::Name,
            _ => Quoted::Nothing,
        }
    }

    /// Whether `\'` is a mark within a text.
    pub(super) fn backslash(self) -> Sign {
        match self {
            Self::MySql => Sign::Means,
            Self::Other => Sign::Doubtful,
            _ => Sign::MeansNothing,
        }
    }

    /// Whether `#` begins a comment.
    pub(super) fn hash(self) -> Sign {
        match self {
            Self::MySql => Sign::Means,
            Self::Sqlite | Self::Other => Sign::Doubtful,
            _ => Sign::MeansNothing,
        }
    }

    /// Whether `--` begins a comment without a space behind it.
    pub(super) fn bare_dashes(self) -> Sign {
        match self {
            Self::MySql => Sign::MeansNothing,
            Self::Other => Sign::Doubtful,
            _ => Sign::Means,
        }
    }

    /// Whether a comment within a comment has an end of its own.
    pub(super) fn nested_comments(self) -> Sign {
        match self {
            Self::Postgres | Self::SqlServer => Sign::Means,
            Self::Other => Sign::Doubtful,
            _ => Sign::MeansNothing,
        }
    }

    /// Whether `//` is doubtful: in Cypher and the like it begins a comment.
    pub(super) fn has_double_slash(self) -> bool {
        self == Self::Other
    }

    /// Whether `$` and `#` may stand in a name.
    pub(super) fn has_signs_in_names(self) -> bool {
        matches!(self, Self::SqlServer | Self::Oracle)
    }

    /// Whether `$tag$ … $tag$` is a text.
    pub(super) fn has_dollar_quotes(self) -> bool {
        matches!(self, Self::Postgres | Self::Other)
    }

    /// Whether `$1` is a placeholder.
    pub(super) fn has_dollar_numbers(self) -> bool {
        matches!(self, Self::Postgres | Self::Sqlite)
    }

    /// Whether `$name` is a placeholder.
    pub(super) fn has_dollar_names(self) -> bool {
        matches!(self, Self::Sqlite | Self::Other)
    }

    /// Whether `q'[ … ]'` is a text.
    pub(super) fn has_q_quotes(self) -> bool {
        self == Self::Oracle
    }

    /// Whether `E'\''` is a text.
    pub(super) fn has_e_quotes(self) -> bool {
        self == Self::Postgres
    }
}
