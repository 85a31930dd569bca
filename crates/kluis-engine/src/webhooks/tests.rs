//! Deliveries in the store.
