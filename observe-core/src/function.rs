//! The metrics of annotated functions and of operations opened by hand.

use crate::label::{LabelId, LabelSet, LabelValue, OpenSet};
use crate::metric::{Buckets, Family, Gauge, Histogram};
use crate::operation::End;
use crate::outcome::Outcome;
use crate::semconv;
use once_cell::race::OnceBox;
use std::time::Duration;
use tracing_core::Level;
