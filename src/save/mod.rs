//! The room `save`.
