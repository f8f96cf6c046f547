pub mod einvoice; // e-invoices: what the portal gets, what it answered
