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
}
