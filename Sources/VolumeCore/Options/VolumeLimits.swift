/// What whoever runs the plugin lets its users have, by the plugin's settings. It is asked of new volumes alone: one that is
/// there stays usable when a setting changes.
public struct VolumeLimits: Sendable, Hashable {
    /// How many volumes there may be below the prefix in etcd.
    public var mostVolumes: Int
    /// `nil` for any size.
    public var largestSize: VolumeSize?

    public init(mostVolumes: Int = 200_000, largestSize: VolumeSize? = nil) {
        self.mostVolumes = mostVolumes
        self.largestSize = largestSize
    }

    /// Checks what a new volume is to be, an adopted one included.
    /// - Throws: `VolumeError` with code `invalidOption`, which names the setting.
    public func check(_ spec: VolumeSpec, of name: VolumeName) throws(VolumeError) {
        if let largestSize, spec.size > largestSize {
            throw VolumeError(
                .invalidOption, "create volume \(name)",
                why: "it would have \(spec.size), and RBD_MAX_SIZE allows \(largestSize)",
                remedy: "give a smaller size, or have whoever runs the plugin raise RBD_MAX_SIZE", outcome: .refused)
        }
    }

    /// - Parameter count: how many volumes there are.
    /// - Throws: `VolumeError` with code `noSpace`, which names the setting.
    public func checkRoom(for name: VolumeName, beside count: Int) throws(VolumeError) {
        guard count >= mostVolumes else { return }
        throw VolumeError(
            .noSpace, "create volume \(name)",
            why: "there are \(count) volumes, and RBD_MAX_VOLUMES allows \(mostVolumes)",
            remedy: "remove some that nobody needs, or have whoever runs the plugin raise RBD_MAX_VOLUMES",
            outcome: .refused)
    }
}
