import CKeyring
import FoundationEssentials
import Glibc
import Rig

/// The least that mapping with the kernel's driver can be: one write to its bus, by a process that runs already and has
/// the key.
struct KernelFloor {
    private let pool: String
    private let words: String
    private let key: [UInt8]
    private static let bus = "/sys/bus/rbd"

    init(_ rig: RigEnvironment) throws {
        let text = try String(contentsOf: URL(filePath: rig.cephKeyFile), encoding: .utf8).trimmed
        guard let key = Data(base64Encoded: text) else { throw RigFailure("\(rig.cephKeyFile) holds no key") }
        self.key = Array(key)
        let monitors = rig.monHost.split { "[],".contains($0) }.filter { $0.hasPrefix("v1:") }.map { $0.dropFirst(3) }
        words = "\(monitors.joined(separator: ",")) name=\(rig.cephUser),key=rbd-plugin-bench,noshare"
        pool = rig.pool
    }

    /// - Returns: the device, as the only one that was not there before.
    func map(_ image: String) throws -> String {
        // Each time: a keyring belongs to the thread, whatever its name says.
        let added = key.withUnsafeBytes { ckeyring_add("ceph", "rbd-plugin-bench", $0.baseAddress, $0.count) }
        guard added >= 0 else { throw RigFailure("add_key: \(String(cString: strerror(errno)))") }
        let before = try devices()
        try write("\(words) \(pool) \(image) -", to: "add")
        guard let device = try devices().subtracting(before).first else {
            throw RigFailure("the kernel shows no new device")
        }
        return "/dev/rbd\(device)"
    }

    func unmap(_ path: String) throws { try write(String(path.dropFirst("/dev/rbd".count)), to: "remove") }

    private func devices() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "\(Self.bus)/devices"))
    }

    private func write(_ text: String, to name: String) throws {
        let single = "\(Self.bus)/\(name)_single_major"
        let path = access(single, F_OK) == 0 ? single : "\(Self.bus)/\(name)"
        let file = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        guard file >= 0, Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
            throw RigFailure("write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
