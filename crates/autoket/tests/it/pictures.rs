//! The pictures of the documentation are those that the library draws.

#[path = "../../examples/pictures/list.rs"]
mod list;

#[test]
fn pictures_are_up_to_date() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pictures");
    let drawn = list::pictures().unwrap();
    for (name, svg) in &drawn {
        let kept = std::fs::read_to_string(format!("{folder}/{name}")).unwrap_or_default();
        assert!(
            kept == *svg,
            "pictures/{name} is out of date: run `cargo xtask pictures`"
        );
        // Documentation ends a picture at an empty line.
        assert!(svg.lines().all(|line| !line.trim().is_empty()));
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), drawn.len());
}
