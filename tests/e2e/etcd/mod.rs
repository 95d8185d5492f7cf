//! A real etcd cluster and two machines, each in its own network namespace, so that tests can cut the network and the
//! cluster's ports conflict with nothing.

mod cluster;
mod machine;
mod network;

pub use self::cluster::{Cluster, NODES, PASSWORD};
pub use self::machine::{KEY, Machine, Shared, Started};
