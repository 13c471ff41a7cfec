//! What tabs and windows are made of: a painter, and the few things that a hand moves.

pub(super) mod boxes;
pub(super) mod list;
pub(super) mod painter;
pub(super) mod peer_row;
pub(super) mod scroll;
pub(super) mod text_line;
