//! One TLS question to one address: what is the highest version you speak?

mod hello;
mod reply;
mod text;

pub use hello::{Hello, HelloRandom};
pub use reply::{Reply, ReplyParser, alert_words};
pub use text::safe_text;
