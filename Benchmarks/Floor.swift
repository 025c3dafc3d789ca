import CRados
import CRbd
import FoundationEssentials
import Glibc
import Rig

/// The least that can be done: one open connection, librbd's and the kernel's own calls, nothing checked, nothing
/// recorded, one user.
final class Floor {
    private var cluster: rados_t?
    private var pool: rados_ioctx_t?
    private let rig: RigEnvironment
    private let folder: String
    private let device: HandDevice
    private let kernel: KernelFloor?
    /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2), which only _GNU_SOURCE shows.
    private let seekData: Int32 = 3
    private let seekHole: Int32 = 4

    init(_ rig: RigEnvironment, device: HandDevice, folder: String) throws {
        self.rig = rig
        self.folder = folder
        self.device = device
        kernel = if case .krbd = device { try KernelFloor(rig) } else { nil }
        try check("rados_create", rados_create(&cluster, rig.cephUser))
        try check("rados_conf_read_file", rados_conf_read_file(cluster, rig.cephConf))
        try check("rados_connect", rados_connect(cluster))
        try check("rados_ioctx_create", rados_ioctx_create(cluster, rig.pool, &pool))
    }

    func close() {
        rados_ioctx_destroy(pool)
        rados_shutdown(cluster)
    }

    private func check(_ call: String, _ code: Int32) throws {
        guard code >= 0 else { throw RigFailure("\(call): \(String(cString: strerror(-code)))") }
    }

    /// rbd_create4, mkfs on a sparse file, its data written through librbd side by side.
    func create(_ image: String, bytes: UInt64, filesystem: String) async throws {
        var options: rbd_image_options_t?
        rbd_image_options_create(&options)
        defer { rbd_image_options_destroy(options) }
        try check("rbd_create4", rbd_create4(pool, image, bytes, options))
        let file = "\(folder)/\(image).fs"
        let descriptor = open(file, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, off_t(bytes)) == 0 else {
            throw RigFailure("make \(file): \(String(cString: strerror(errno)))")
        }
        defer {
            Glibc.close(descriptor)
            unlink(file)
        }
        try await runTool("mkfs.\(filesystem)", ByHand.quick(filesystem) + [file]).checked()
        try write(descriptor, to: image)
    }

    private func write(_ descriptor: Int32, to image: String) throws {
        var handle: rbd_image_t?
        try check("rbd_open", rbd_open(pool, image, &handle, nil))
        defer { rbd_close(handle) }
        var completions: [(rbd_completion_t?, UnsafeMutableRawPointer)] = []
        defer { for (_, buffer) in completions { buffer.deallocate() } }
        var position = lseek(descriptor, 0, seekData)
        while position >= 0 {
            let end = lseek(descriptor, position, seekHole)
            while position < end {
                let length = min(Int(end - position), 1 << 20) as Int
                let buffer = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 4096)
                pread(descriptor, buffer, length, position)
                var completion: rbd_completion_t?
                rbd_aio_create_completion(nil, nil, &completion)
                try check("rbd_aio_write", rbd_aio_write(handle, UInt64(position), length, buffer, completion))
                completions.append((completion, buffer))
                position += off_t(length)
            }
            position = lseek(descriptor, end, seekData)
        }
        for (completion, _) in completions {
            rbd_aio_wait_for_complete(completion)
            try check("rbd_aio_write", Int32(clamping: rbd_aio_get_return_value(completion)))
            rbd_aio_release(completion)
        }
    }

    /// The kernel's own mapping; where its driver is missing, the mapping by hand, of which there is no simpler one.
    func map(_ image: String) async throws -> String {
        if let kernel { try kernel.map(image) } else { try await device.map(image) }
    }

    func unmap(_ image: String, _ path: String) async throws {
        if let kernel { try kernel.unmap(path) } else { try await device.unmap(image, path) }
    }

    /// mount(2) of a device.
    func mount(_ device: String, at mountpoint: String, _ filesystem: String) throws {
        guard Glibc.mount(device, mountpoint, filesystem, 0, nil) == 0 else {
            throw RigFailure("mount(2) of \(device): \(String(cString: strerror(errno)))")
        }
    }

    func unmount(_ mountpoint: String) throws {
        guard umount2(mountpoint, 0) == 0 else {
            throw RigFailure("umount(2) of \(mountpoint): \(String(cString: strerror(errno)))")
        }
    }

    /// rbd_remove
    func remove(_ image: String) throws { try check("rbd_remove", rbd_remove(pool, image)) }
}
