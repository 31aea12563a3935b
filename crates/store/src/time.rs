//! Instants in the database.

use jiff::{SignedDuration, Timestamp};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid},
};

/// An instant as `timestamptz`: microseconds since the beginning of the year 2000, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At(pub(crate) Timestamp);

/// The object id of `timestamptz`, fixed since its invention.
const TIMESTAMPTZ: Oid = Oid(1184);

/// The beginning of the year 2000 in Unix seconds.
const EPOCH: i64 = 946_684_800;

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.as_microsecond() - EPOCH * 1_000_000;
        buffer.extend_from_slice(&micros.to_be_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for At {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return Ok(Self(value.as_str()?.parse()?));
        }
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        let since = SignedDuration::from_micros(micros) + SignedDuration::from_secs(EPOCH);
        Ok(Self(Timestamp::from_duration(since)?))
    }
}
