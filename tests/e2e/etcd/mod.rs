//! A real cluster of etcd and two machines beside it, each in a network namespace of its own: their network can be cut,
//! and the ports of the cluster are nobody else's.

mod cluster;
mod machine;
mod network;

pub use self::cluster::{NODES, PASSWORD};
pub use self::machine::{KEY, Machine, Shared, Started};
