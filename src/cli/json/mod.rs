//! The JSON shapes, documented in the README. Keys are stable and in this order; scripts and the Ansible role read
//! them.

mod answers;
mod saves;
mod wire;

pub(super) use answers::{
    CandidateJson, CheckJson, CoverageJson, DirectionJson, EngineProgramJson, LearnedJson, NameJson, NamesJson,
    PeerJson, PeersJson, PortJson, ProbeJson, RefusedJson, ShowJson, SinceSaveJson, TroubleJson, VariableJson,
};
pub(super) use saves::{BackupJson, BackupsJson, ChangeJson, ConflictJson, DifferenceJson, changes, conflicts, edits};
pub(super) use wire::{OwnHelloJson, WatchJson, WireJson, second};
