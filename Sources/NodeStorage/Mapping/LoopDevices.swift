import SystemPackage
import VolumeCore

/// Loop devices: files as block devices.
struct LoopDevices: Sendable {
    let runner: any CommandRunner
    let kernel: KernelCalls

    /// Makes a loop device of the file, whose I/O bypasses the page cache of the file's own filesystem.
    /// - Returns: its path.
    func attach(_ file: String, for access: VolumeAccess = .readWrite, to what: String) async throws -> String {
        let readOnly = access == .readOnly ? ["--read-only"] : []
        let command = Command(
            .losetup, ["--direct-io=on"] + readOnly + ["-f", "--show", file], timeout: .seconds(10))
        let said = try await runner.succeed(command, to: what).output
        let path = said.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard try await devices(of: file, for: what).contains(path) else {
            throw VolumeError(
                .unexplained, what, why: "losetup answered '\(path)', which is not a loop device of \(file)")
        }
        return path
    }

    /// The loop devices of a file.
    func devices(of file: String, for what: String) async throws -> [String] {
        try await kernel.run("read /sys/block", to: what) {
            try Self.attached().filter { $0.file == file }.map(\.device)
        }
    }

    /// What is shown as the file of a device whose file was in a mount namespace that has ended, as a container's does.
    static let outOfSight = "/"

    /// The file of a loop device; `nil` when it has none.
    func file(of device: String, for what: String) async throws -> String? {
        try await kernel.run("read /sys/block", to: what) {
            try device.split(separator: "/").last.flatMap { try Self.file(ofBlock: String($0)) }
        }
    }

    /// All loop devices in use, with their files. Blocking.
    static func attached(sys: String = "/sys") throws -> [(device: String, file: String)] {
        try SystemCall.names(in: "\(sys)/block").filter { $0.hasPrefix("loop") }.compactMap { name in
            try file(ofBlock: name, sys: sys).map { ("/dev/\(name)", $0) }
        }
    }

    private static func file(ofBlock name: String, sys: String = "/sys") throws -> String? {
        guard var file = try SmallFile.line("\(sys)/block/\(name)/loop/backing_file") else { return nil }
        // What the kernel appends once the file has no name any more.
        if file.hasSuffix(" (deleted)") { file.removeLast(" (deleted)".count) }
        return file
    }

    /// Gives the device back.
    /// - Parameter waitsForMounts: whether one that is mounted is waited for a moment.
    /// - Throws: `VolumeError` with code `busy` while anything has it open.
    func detach(_ device: String, of file: String, waitsForMounts: Bool = true, to what: String) async throws {
        let block = BlockDevice(device)
        try await DeviceUse(kernel: kernel).refuseIfInUse(block, waitsForMounts: waitsForMounts, to: what)
        try await DeviceUse(kernel: kernel).flush(block, to: what)
        // It succeeds even when the device is open: the kernel then waits for the last user to close it. It fails when the
        // device is another file's by now.
        let result = try await runner.run(Command(.kernel, ["detach", device, file], timeout: .seconds(10)), to: what)
        for _ in 0..<40 {
            if try await !devices(of: file, for: what).contains(device) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let users = try await kernel.run("read /proc", to: what) { DeviceHolders.users(ofDevice: block) }
        throw VolumeError.busy(
            what, result.succeeded ? "\(device) is open" : result.reason(of: .kernel), users: users, outcome: .failed)
    }

    /// Makes the kernel give a mounted device back by itself once it is mounted nowhere any more, containers included: a
    /// plugin that dies in a container takes the daemons with it, and nothing would be there to give the device back.
    ///
    /// Nothing happens to a device that is not mounted: e2fsck has it open too, and it must not go with that.
    func giveBackWithLastMount(_ device: String, of file: String) async throws {
        let what = "have the kernel free \(device) with its last mount"
        let isDue = try await kernel.run("read /sys/block", to: what) {
            let name = device.split(separator: "/").last.map(String.init) ?? ""
            guard try SmallFile.line("/sys/block/\(name)/loop/autoclear") == "0" else { return false }
            guard let number = try BlockDevice(device).number() else { return false }
            return try !MountTable.read().mounts(ofDevice: number).isEmpty
        }
        guard isDue else { return }
        let command = Command(.kernel, ["detach-with-last-mount", device, file], timeout: .seconds(10))
        try await runner.succeed(command, to: what)
    }

    /// Makes the device as large as its file has become.
    func refreshSize(_ device: String, to what: String) async throws {
        try await runner.succeed(Command(.losetup, ["-c", device], timeout: .seconds(10)), to: what)
    }
}
