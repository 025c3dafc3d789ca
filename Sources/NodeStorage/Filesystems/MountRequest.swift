/// What is asked of `rbd-plugin-kernel` for filesystems.
enum MountRequest {
    /// mount(2) of a device.
    static func mount(
        _ device: String, at mountpoint: String, _ filesystem: String, _ options: MountOptions, within timeout: Duration
    ) -> Command {
        Command(
            .kernel, ["mount", device, mountpoint, filesystem, "\(options.flags)", options.data], timeout: timeout)
    }

    /// umount2(2), never by force, never lazily, and of no link's target.
    static func unmount(_ mountpoint: String, within timeout: Duration) -> Command {
        Command(.kernel, ["unmount", mountpoint], timeout: timeout)
    }

    /// Mounts the device's filesystem nowhere, and lets go of it: so it replays its log (fsmount(2)).
    static func replay(_ device: String, _ filesystem: String, flags: [String], within timeout: Duration) -> Command {
        Command(.kernel, ["replay", device, filesystem, flags.joined(separator: ",")], timeout: timeout)
    }

    /// FITRIM of the filesystem that is mounted there from the device, part by part. Prints how many bytes it gave back.
    static func trim(_ device: String, at mountpoint: String, inParts: Bool, within timeout: Duration) -> Command {
        Command(.kernel, ["trim", device, mountpoint, inParts ? "parts" : "whole"], timeout: timeout)
    }

    /// FIFREEZE of the filesystem that is mounted there from the device; FITHAW in the second half, or when the time is up.
    static func freeze(_ device: String, at mountpoint: String, atMost limit: Duration) -> Command {
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        return Command(.kernel, ["freeze", device, mountpoint, "\(milliseconds)"])
    }

    /// FITHAW, of what may be frozen.
    static func thaw(_ device: String, at mountpoint: String, within timeout: Duration) -> Command {
        Command(.kernel, ["thaw", device, mountpoint], timeout: timeout)
    }

    /// Changes one option of the filesystem itself, and nothing else of the mount (fsconfig(2)).
    static func setOption(
        _ option: String, _ value: String?, of device: String, at mountpoint: String, within timeout: Duration
    ) -> Command {
        Command(.kernel, ["set-option", device, mountpoint, option, value ?? ""], timeout: timeout)
    }
}
