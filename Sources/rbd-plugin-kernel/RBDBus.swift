import Glibc

/// The bus of the kernel's rbd driver (Documentation/ABI/testing/sysfs-bus-rbd).
struct RBDBus {
    private let folder: String

    /// - Parameter sys: where sysfs is mounted.
    init(sys: String) { folder = sys + "/bus/rbd" }

    /// The numbers in `/dev/rbd<number>`.
    func devices() -> Set<UInt32> {
        guard let stream = opendir(folder + "/devices") else { return [] }
        defer { closedir(stream) }
        var numbers: Set<UInt32> = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if let number = UInt32(name) { numbers.insert(number) }
        }
        return numbers
    }

    /// Maps an image. Returns when the device is there, `/dev` included, or fails with what the kernel met.
    func add(_ request: String) throws { try write(request, to: "add") }

    /// Unmaps a device. Fails with `EBUSY` while it is mounted or open.
    func remove(_ device: UInt32) throws { try write("\(device)", to: "remove") }

    /// Whether the device came of exactly this request, as the kernel keeps it.
    func isMade(_ device: UInt32, by request: String) -> Bool {
        attribute("config_info", of: device) == request
    }

    /// Whether the device is that image; kernels before 4.20 know no namespaces.
    /// - Parameter id: of the image; empty when it is not known: then the names have to do.
    func shows(_ device: UInt32, pool: String, namespace: String, image: String, id: String) -> Bool {
        attribute("pool", of: device) == pool && attribute("pool_ns", of: device) ?? "" == namespace
            && attribute("name", of: device) == image && (id.isEmpty || attribute("image_id", of: device) == id)
    }

    private func attribute(_ name: String, of device: UInt32) -> String? {
        File.line("\(folder)/devices/\(device)/\(name)")
    }

    /// The files that end in `_single_major` exist when the driver was loaded so, and only they work then.
    private func write(_ text: String, to name: String) throws {
        let single = "\(folder)/\(name)_single_major"
        try File.write(text, to: access(single, F_OK) == 0 ? single : "\(folder)/\(name)")
    }
}
