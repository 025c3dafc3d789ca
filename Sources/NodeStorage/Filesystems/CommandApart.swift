import MountInfo

extension Command {
    /// The same command, out of sight of other loop devices' mounts where there are any. The tools of ext4 and btrfs ask each
    /// of them for its file, and would wait with it for a mapping whose process stands still.
    func apart(_ kernel: KernelCalls, to what: String) async throws -> Command {
        let areThere = try await kernel.run("read /proc/self/mountinfo", to: what) {
            // A btrfs has no device's number.
            try MountTable.read().entries.contains {
                $0.deviceNumber.hasPrefix("7:") || $0.source.hasPrefix("/dev/loop")
            }
        }
        var command = self
        command.isApart = areThere
        return command
    }
}
