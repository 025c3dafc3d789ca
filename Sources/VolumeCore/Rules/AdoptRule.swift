/// Which image may be taken as a volume with what is on it.
public enum AdoptRule {
    /// - Parameters:
    ///   - asked: what the option `fstype` says; `nil` when it was not given.
    ///   - found: the filesystems whose mark the image bears: normally one.
    /// - Returns: the filesystem to mount it with.
    /// - Throws: `VolumeError`, `damaged` when there is none, `invalidOption` when it is another than was asked for.
    public static func filesystem(
        of image: ImageReference, asked: FilesystemType?, found: [FilesystemType]
    ) throws(VolumeError) -> FilesystemType {
        let what = "adopt image \(image)"
        let known = FilesystemType.allCases.map(\.rawValue).joined(separator: ", ")
        let there = found.map(\.rawValue).joined(separator: " and ")
        guard let first = found.first else {
            throw VolumeError(
                .damaged, what, why: "it has no filesystem that a volume can have (\(known))",
                remedy: "make one on it by hand, or choose another name for a new volume; the image was not changed",
                outcome: .refused)
        }
        if let asked {
            guard found.contains(asked) else {
                throw VolumeError(
                    .invalidOption, what, why: "it has \(there), but '-o fstype=\(asked.rawValue)' is given",
                    remedy: "give fstype=\(first.rawValue), or leave it out", outcome: .refused)
            }
            return asked
        }
        guard found.count == 1 else {
            throw VolumeError(
                .invalidOption, what, why: "it has the marks of \(there)",
                remedy: "say which one it is with '-o fstype=…'", outcome: .refused)
        }
        return first
    }

    /// The volume has the filesystem that its image has, and its mount options by that, where nobody has decided them.
    /// - Parameter found: as of `filesystem`.
    /// - Throws: as `filesystem`.
    public static func take(
        _ found: [FilesystemType], of image: ImageReference, into spec: inout VolumeSpec, _ request: VolumeRequest,
        _ defaults: VolumeDefaults
    ) throws(VolumeError) {
        spec.filesystem = try filesystem(
            of: image, asked: request.given.contains(.fstype) ? request.spec.filesystem : nil, found: found)
        if !request.decided.contains(.mountOptions) { spec.mountOptions = defaults.mountOptions[spec.filesystem] }
    }

    /// The error of an image that is to be adopted and is not there: a slip in its name must not make an empty volume.
    public static func absent(_ image: ImageReference) -> VolumeError {
        VolumeError(
            .notFound, "adopt image \(image)", why: "there is no such image",
            remedy: "check its name and pool with 'rbd ls', or leave 'adopt' out to create a new volume",
            outcome: .refused)
    }
}
