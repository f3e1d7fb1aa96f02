//! Prints the reference page of this crate's configuration keys as Markdown, with the variables of
//! an environment that is read with the prefix `MABEAM`.

use foundation::config::{KEYS, Schema, SchemaError, reference_markdown};

fn main() -> Result<(), SchemaError> {
    print!("{}", reference_markdown(&Schema::new(&[KEYS])?, "MABEAM"));
    Ok(())
}
