//! GST registrations (GSTINs) of the company. Owns `gst_registration`. The registration's State decides between intra- and inter-State supply (IGST Act s.7, s.8).

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
