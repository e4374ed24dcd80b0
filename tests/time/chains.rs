//! What waits were in the end, in a program whose chains of waits are known.

use gotracer::timeline::Leaf;

use crate::program::Program;

#[test]
fn chains_of_waits_end_where_the_program_says() {
    for version in ["local", "1.27.3", "1.22.10"] {
        let Some(program) = Program::build("waits", version) else {
            continue;
        };
        let (_, report) = program.trace(&[]);
        assert_eq!(report.regions.len(), 11);
        for region in &report.regions {
            let (_, end) = region.name.split_once(": ").unwrap();
            let leaves = &region.time_in_the_end;
            assert_eq!(leaves.total(), region.time.total(), "{}", region.name);
            let largest = Leaf::all().max_by_key(|leaf| leaves.of(*leaf)).unwrap();
            assert_eq!(
                largest.name(),
                end,
                "go {version}, {}: {leaves:?}",
                region.name
            );
        }
        assert_eq!(report.tasks.len(), 3);
        for task in &report.tasks {
            assert_eq!(task.time_in_the_end.total(), task.time.total());
        }
    }
}
