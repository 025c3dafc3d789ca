import Glibc
import SystemPackage
import VolumeCore

/// What the kernel says about a block device. All calls block: use them inside `KernelCalls.run`.
struct BlockDevice: Sendable, Hashable {
    /// `/dev/loop3`.
    let path: String
    private let sys: String

    /// - Parameter sys: where sysfs is mounted; another folder in tests.
    init(_ path: String, sys: String = "/sys") {
        self.path = path
        self.sys = sys
    }

    private var folder: String { "\(sys)/block/\(path.split(separator: "/").last ?? "")" }

    /// `major:minor`; `nil` when the kernel has no such device.
    func number() throws -> String? { try SmallFile.line("\(folder)/dev") }

    /// What tells this disk from every other that the device has been or will be (kernel 5.15 and later); `nil` where the
    /// kernel does not say.
    func diskSequence() throws -> String? { try SmallFile.line("\(folder)/diskseq") }

    /// Whether anything is behind the device. Those of the drivers loop and nbd stay when they are given back.
    func isAttached() throws -> Bool {
        let name = path.split(separator: "/").last ?? ""
        let sign = ["loop": "loop/backing_file", "nbd": "pid"].first { name.hasPrefix($0.key) }?.value ?? "dev"
        return try SmallFile.line("\(folder)/\(sign)") != nil
    }

    /// Whether the kernel refuses every write to it; `nil` when there is no such device.
    func isReadOnly() throws -> Bool? { try SmallFile.line("\(folder)/ro").map { $0 != "0" } }

    /// In bytes.
    func size() throws -> VolumeSize? {
        guard let line = try SmallFile.line("\(folder)/size"), let sectors = UInt64(line) else { return nil }
        return VolumeSize(bytes: sectors << 9)
    }

    /// `nil` when the kernel has no such device.
    func statistics() throws -> DeviceStatistics? {
        try SmallFile.line("\(folder)/stat").flatMap(DeviceStatistics.init)
    }

    /// Whether a mount, a filesystem check or another exclusive user has the device, in whatever mount namespace:
    /// an exclusive open (`O_EXCL`) then fails with EBUSY.
    /// - Throws: `Errno` when it cannot be told.
    func isClaimed() throws -> Bool {
        do {
            let file = try FileDescriptor.open(
                path, .readOnly, options: [.exclusiveCreate, .closeOnExec, .nonBlocking])
            try file.close()
            return false
        } catch Errno.resourceBusy {
            return true
        }
    }
}
