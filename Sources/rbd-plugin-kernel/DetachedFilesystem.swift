import CDetachedMount
import Glibc

/// A filesystem that is mounted without a mountpoint: nobody sees it, and nothing of it is left when this process ends.
enum DetachedFilesystem {
    /// Mounts the device's filesystem for writing and lets go of it: so its driver replays its log.
    /// - Parameter flags: mount options without a value.
    static func replay(_ device: String, _ type: String, flags: [String]) throws {
        let filesystem = try Failure.check("open a filesystem of type \(type)") { cdetachedmount_open(type) }
        defer { close(filesystem) }
        try Failure.check("choose \(device)") { cdetachedmount_set_value(filesystem, "source", device) }
        for flag in flags { try Failure.check("set \(flag)") { cdetachedmount_set(filesystem, flag) } }
        try Failure.check("mount \(device)") { cdetachedmount_create(filesystem) }
        // Unmounted it is with the last descriptor, and written with that.
        close(try Failure.check("mount \(device)") { cdetachedmount_mount(filesystem) })
    }
}
