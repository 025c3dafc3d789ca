/// Which images of a pool become volumes, where somebody wants that of all that can be.
public enum ImportRule {
    public enum Verdict: Sendable, Equatable {
        case take(VolumeName, FilesystemType)
        /// It is the image of that volume already.
        case isVolume(VolumeName)
        /// What has to be done before.
        case leave(why: String, remedy: String)
    }

    /// Those that the plugin makes for itself are no volumes, and never were.
    public static func isOwn(_ name: String) -> Bool { name.hasPrefix("rbd-plugin.") }

    /// - Parameters:
    ///   - filesystems: those whose mark the image bears: normally one.
    ///   - silent: the clients that hold its lock, or are noted as its writers, and watch it no more, without those that are shut out.
    ///   - volumes: all that there are, by their names.
    public static func verdict(
        of image: ImageReference, _ found: ImageDescription, _ filesystems: [FilesystemType],
        silent: [ClientAddress], volumes: [VolumeName: ImageReference]
    ) -> Verdict {
        if let volume = volumes.first(where: { $0.value == image }) { return .isVolume(volume.key) }
        let name: VolumeName
        do {
            name = try VolumeName(given: image.name)
        } catch {
            return .leave(why: "its name can be no volume's: \(error.why)", remedy: "'rbd rename' gives it another one")
        }
        if let other = volumes[name] {
            return .leave(
                why: "there is a volume \(name), of image \(other)", remedy: "'rbd rename' gives the image another name"
            )
        }
        guard found.watchers.isEmpty else {
            let clients = found.watchers.map(\.description).joined(separator: ", ")
            return .leave(why: "it is in use by \(clients)", remedy: "end what uses it, and unmap it there")
        }
        if let client = silent.first {
            return .leave(
                why: "client \(client) has it for writing and is dead or paused",
                remedy: "make sure that it never writes again: 'ceph osd blocklist add \(client) 315360000'")
        }
        do {
            return .take(name, try AdoptRule.filesystem(of: image, asked: nil, found: filesystems))
        } catch {
            return .leave(why: error.why, remedy: error.remedy)
        }
    }
}
