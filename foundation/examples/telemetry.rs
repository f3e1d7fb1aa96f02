//! A program that watches its own work: what is slow, what fails, and what a scrape would see.
//!
//! `cargo run -p foundation --example telemetry --features prometheus`

use std::time::Duration;

use foundation::telemetry::Telemetry;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = Telemetry::default();
    let parse = telemetry.operation("number.parse")?;
    let digits = telemetry.counter("number.digits")?;
    for text in ["1", "22", "three", "4444"].iter().cycle().take(1_000) {
        digits.add(text.len() as u64);
        let _number = parse.track_result(|| text.parse::<u32>());
    }

    let last = parse.window(Duration::from_secs(10));
    println!("{} calls, {:.0} % failed", last.count(), 100.0 * last.error_ratio());
    for percentile in [50.0, 99.0, 99.9] {
        println!("p{percentile}: {:?}", last.durations.quantile(percentile / 100.0));
    }
    println!("\n{}", telemetry.render());
    Ok(())
}
