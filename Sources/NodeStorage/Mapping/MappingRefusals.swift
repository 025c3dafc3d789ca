import VolumeCore

/// Refusals that the mappers share.
extension VolumeError {
    /// A device that was to be changed serves no image, or another one by now.
    static func notMapped(_ what: String) -> VolumeError {
        VolumeError(.notFound, what, why: "it is not mapped", outcome: .refused)
    }

    /// An option for mapping that the plugin sets itself, or never sets.
    static func refusedMapOption(_ what: String, _ why: String) -> VolumeError {
        VolumeError(
            .invalidOption, what, why: why, remedy: "leave it out of RBD_MAP_OPTIONS and map-options",
            outcome: .refused)
    }
}
