//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts connections by address.
#[derive(Clone)]
pub(super) struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection of an address, for as long as this lives.
pub(super) struct Place {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// At most so many for each; 0 for no bound.
    pub(super) fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// A place for one more connection of the address, if it may have one.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        // Of IPv6, one customer has a whole /64.
        let address = match address.to_canonical() {
            IpAddr::V6(long) => IpAddr::V6((u128::from(long) >> 64 << 64).into()),
            short => short,
        };
        let mut open = self.open.lock();
        let count = open.entry(address).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { addresses: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.addresses.open.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places_and_gets_them_back() {
        let addresses = Addresses::new(2);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = addresses.enter(at("10.0.0.1")).unwrap();
        let _two = addresses.enter(at("::ffff:10.0.0.1")).unwrap();
        assert!(addresses.enter(at("10.0.0.1")).is_none());
        let other = addresses.enter(at("10.0.0.2")).unwrap();
        drop((one, other));
        addresses.enter(at("10.0.0.1")).unwrap();
        assert_eq!(addresses.open.lock().len(), 1);
        let _long = [addresses.enter(at("2001:db8::1")).unwrap(), addresses.enter(at("2001:db8::2")).unwrap()];
        assert!(addresses.enter(at("2001:db8::3")).is_none());
        assert!(addresses.enter(at("2001:db8:0:1::3")).is_some());
    }

    #[test]
    fn without_a_bound_all_come_in() {
        let addresses = Addresses::new(0);
        let places: Vec<_> = (0..100).map(|_| addresses.enter("10.0.0.1".parse().unwrap()).unwrap()).collect();
        drop(places);
        assert!(addresses.open.lock().is_empty());
    }
}
