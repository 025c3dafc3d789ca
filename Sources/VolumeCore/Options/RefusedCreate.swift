extension VolumeError {
    /// The options of a Create ask for what no volume can have. Nothing was made.
    static func refusedCreate(_ why: String, remedy: String) -> VolumeError {
        VolumeError(.invalidOption, "create the volume", why: why, remedy: remedy, outcome: .refused)
    }
}
