//! Addresses and names. Node `n` is 10.0.0.`n+1` and fd00::`n+1`; all are on one link, and there is no way out of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Family, NetError, NodeId};

/// Node addresses end in 1 to 254.
pub const NODES_MAX: usize = 254;

#[derive(Debug)]
pub(super) struct Names {
    nodes: usize,
    /// In lower case, as names are compared.
    by_name: BTreeMap<String, NodeId>,
}

/// Whom an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Node(NodeId),
    /// Everybody on the link.
    Broadcast,
    /// On the link, and nobody's.
    Nobody,
    /// No way leads there.
    Nowhere,
}

impl Names {
    pub fn new(names: &[String]) -> Names {
        assert!(names.len() <= NODES_MAX, "a cluster has at most {NODES_MAX} nodes");
        let mut by_name = BTreeMap::new();
        for (node, name) in names.iter().enumerate() {
            by_name.entry(name.to_ascii_lowercase()).or_insert(node);
        }
        Names { nodes: names.len(), by_name }
    }

    pub fn address(node: NodeId, family: Family) -> IpAddr {
        match family {
            Family::V4 => Ipv4Addr::new(10, 0, 0, node as u8 + 1).into(),
            Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, node as u16 + 1).into(),
        }
    }

    pub fn loopback(family: Family) -> IpAddr {
        match family {
            Family::V4 => Ipv4Addr::LOCALHOST.into(),
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
        }
    }

    pub fn unspecified(family: Family) -> IpAddr {
        match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// IPv4 first, as RFC 6724 orders it against addresses of fd00::/8.
    pub fn resolve(&self, name: &str) -> Vec<IpAddr> {
        if let Ok(address) = name.parse() {
            return vec![address];
        }
        let name = name.to_ascii_lowercase();
        let families = [Family::V4, Family::V6];
        if name == "localhost" {
            return families.map(Names::loopback).to_vec();
        }
        self.by_name
            .get(&name)
            .map_or_else(Vec::new, |node| families.map(|family| Names::address(*node, family)).to_vec())
    }

    /// Whom `from` reaches by that address. `0.0.0.0` and `::` are itself, as on Linux.
    pub fn place(&self, from: NodeId, address: IpAddr) -> Place {
        let last = match address {
            _ if address.is_loopback() || address.is_unspecified() => return Place::Node(from),
            IpAddr::V4(v4) => match v4.octets() {
                [255, 255, 255, 255] | [10, 0, 0, 255] => return Place::Broadcast,
                [10, 0, 0, last] => u64::from(last),
                _ => return Place::Nowhere,
            },
            IpAddr::V6(v6) => match v6.segments() {
                [0xfd00, 0, 0, 0, ..] => u64::try_from(v6.to_bits() & u128::from(u64::MAX)).unwrap_or(u64::MAX),
                _ => return Place::Nowhere,
            },
        };
        match usize::try_from(last) {
            Ok(last) if (1..=self.nodes).contains(&last) => Place::Node(last - 1),
            Ok(_) | Err(_) => Place::Nobody,
        }
    }

    /// Whether a socket of `node` may have that address.
    pub fn is_bindable(node: NodeId, address: IpAddr) -> bool {
        address.is_unspecified() || address.is_loopback() || address == Names::address(node, family_of(address))
    }

    /// The address that what `node` sends to `target` comes from, on a socket bound to `bound` or to none.
    ///
    /// # Errors
    /// `InvalidArgument` for what cannot leave the machine: from a loopback address to another node.
    pub fn source(node: NodeId, bound: Option<IpAddr>, target: IpAddr) -> Result<IpAddr, NetError> {
        let family = family_of(target);
        let stays = target.is_loopback() || target.is_unspecified() || target == Names::address(node, family);
        match bound {
            Some(bound) if !bound.is_unspecified() => {
                if bound.is_loopback() && !stays {
                    Err(NetError::InvalidArgument)
                } else {
                    Ok(bound)
                }
            }
            Some(_) | None if target.is_loopback() || target.is_unspecified() => Ok(Names::loopback(family)),
            Some(_) | None => Ok(Names::address(node, family)),
        }
    }
}

pub(super) fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

/// Where one's own `0.0.0.0` leads.
pub(super) fn specified(address: IpAddr) -> IpAddr {
    if address.is_unspecified() { Names::loopback(family_of(address)) } else { address }
}
