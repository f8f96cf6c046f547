//! How long a PDF takes: `cargo bench --bench documents`. One line a size, best of several runs, on one thread.

use duebook::delivery::documents::service::render;
use duebook::delivery::documents::types::TemplateKind;
use duebook::delivery::documents::{samples, templates};
use std::time::{Duration, Instant};

fn main() {
    for lines in [1, 200, 2_000] {
        let mut best = Duration::MAX;
        let mut size = 0;
        for _ in 0..10 {
            let sheet = samples::sheet(TemplateKind::TaxInvoice, templates::newest(TemplateKind::TaxInvoice).source.to_owned(), lines);
            let started = Instant::now();
            match render(sheet) {
                Ok(file) => size = file.content.len(),
                Err(problem) => return println!("{problem}"),
            }
            best = best.min(started.elapsed());
        }
        println!("tax invoice of {lines:>5} lines: {:>8.2} ms, {:>7} bytes", best.as_secs_f64() * 1e3, size);
    }
}
