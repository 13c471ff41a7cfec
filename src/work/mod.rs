//! The room `work`.
