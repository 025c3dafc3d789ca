/// Seeds whose histories have broken an invariant once, each with what it found. What a seed does changes with the
/// simulation, so a seed guards against its defect only as long as it leads there; it costs next to nothing to run.
enum FailedSeeds {
    static let all: [UInt64: String] = [
        7_431_363: "I4: a Create made its image after another node had undone the attempt",
        20_207_569: "I4: the same, with a foreign image in the way",
        30_044_935: "I3: what was left of a lost mapping whose volume was being taken over",
        30_058_848: "I3: the same",
        30_199_144: "I3: the same",
        30_297_993: "I3: a device that had become another volume's was mounted",
        30_306_248: "I3: the same",
        221: "I7: the client of a mapping that died right after it was made",
        1968: "I4: an image that its formatter had lost sight of",
        2693: "I4: a late image in a pool that no volume uses any more",
        2907: "I1: a device that its mapper had lost sight of was mapped once more after a repair",
        3435: "I7: the notes of a mapping were lost while its Mount was undone",
        8034: "I1: two nodes mapped at the same moment, one of which had lost its claim",
        8569: "I3: the mount of a lost mapping whose volume was taken over",
        665_323_202_070_210: "I1: a repaired device that could not be mapped anew was mounted by the next Mount",
        665_323_202_078_528: "I4: a Create made its image, under its last name, after another node had undone it",
        4966: "I4: a client that a take-over had recorded and not noted, so that nobody could tell whose it was",
        58_184: "I4: the same",
        1349: "I4: the same, of a client whose node took the note away again",
        12_953: "I4: a mapping that neither a record nor a mapper knew of",
        700_894: "I4: a policy was removed from under a volume that was coming back, whose limits nobody knew then",
        1_153_020_359_060_077: "I4: a busy Unmount mounted another volume's device, whose path had been its own",
        1_153_020_359_090_012: "I3: what kept a request from being done was noted in the midst of an Unmount",
    ]
}
