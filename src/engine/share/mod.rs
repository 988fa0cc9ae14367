//! What processes of one user share: a place for small files, and the line one of them keeps fresh for all.

mod audience;
mod beacon;
mod follow;
mod lamp;
mod lock;
mod place;
mod relay;
mod wake;
mod wire;

pub use beacon::{Beacon, push};
pub use follow::{Doorstep, Woken};
pub use lamp::Lamp;
pub use place::{Place, fingerprint, meeting, read};
pub(super) use place::{open_private, read_bytes, replace};
pub use relay::{Part, Relay};
pub use wake::{detach, is_polled, wake};
