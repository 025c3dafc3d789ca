import Glibc
import VolumeCore

@testable import NodeStorage

/// sysfs, as the kernel's rbd driver fills it with the names that others gave to images and pools.
///
/// The input is the content of one file after the other, each ended by a zero.
struct SysfsTarget: FuzzTarget {
    let name = "sysfs"
    let words = ["\0", "rbd\0db\0", "10.0.0.1:0/7", "-\0", "0x1bf", ",key=rbd-plugin-", " (deleted)", "/dev/rbd0"]

    private static let files = [
        "pool", "name", "current_snap", "pool_ns", "image_id", "client_addr", "cluster_fsid", "config_info",
    ]
    private let folder = FuzzFolder("sysfs")

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        do {
            return try read(input.split(separator: 0, omittingEmptySubsequences: false).map(Array.init))
        } catch let broken as Broken {
            throw broken
        } catch {
            return kind(error)
        }
    }

    private func read(_ contents: [[UInt8]]) throws -> String {
        let device = "\(folder.path)/bus/rbd/devices/4"
        try SystemCall.makeFolders(device)
        try SystemCall.makeFolders("\(folder.path)/block/loop7/loop")
        for (index, file) in Self.files.enumerated() {
            if index < contents.count { try SmallFile.replace("\(device)/\(file)", with: contents[index]) }
            unlink(index < contents.count ? "" : "\(device)/\(file)")
        }
        let first = contents.first ?? []
        try SmallFile.replace("\(folder.path)/bus/rbd/supported_features", with: first)
        try SmallFile.replace("\(folder.path)/block/loop7/loop/backing_file", with: first)
        let krbd = KrbdDevices(sys: folder.path)
        let devices = try krbd.all()
        for device in devices {
            guard device.mapped.path == "/dev/rbd4", KrbdDevices.id(ofPath: device.mapped.path) == device.id else {
                throw Broken("a device has another path: \(device.mapped.path)")
            }
            if let client = device.client { try ClientAddressChecks.isOneClient(client) }
        }
        let loops = try LoopDevices.attached(sys: folder.path)
        let isOurs = try krbd.isMadeByPlugin(4)
        return "\(devices.count) \(devices.first?.client != nil) \(isOurs) \(loops.count) \(Self.features(krbd))"
    }

    private static func features(_ krbd: KrbdDevices) -> String {
        (try? krbd.supportedFeatures()).map { "\($0?.names.count ?? 0)" } ?? "none"
    }
}
