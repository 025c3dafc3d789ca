import Glibc

// Maps and unmaps images for the plugin. The kernel may hold such a request for as long as Ceph does not answer, and then
// it holds this process, which is cheap to start and to lose. The exit status is the error number of the kernel.

let usage = """
    rbd-plugin-krbd map SYS MONITORS OPTIONS POOL IMAGE <KEY     prints the device; KEY in binary, or nothing
    rbd-plugin-krbd unmap SYS DEVICE POOL NAMESPACE IMAGE        if that device is that image

    """

/// Maps an image and prints its device, or nothing when it cannot be told which one it is.
func map(_ bus: RBDBus, monitors: String, options: String, pool: String, image: String) throws {
    let secret = try File.read(STDIN_FILENO, "read the key")
    let key = secret.isEmpty ? "" : ",key=" + (try KernelKey(secret).name)
    // The last word is the snapshot: none.
    let request = "\(monitors) \(options)\(key) \(pool) \(image) -"
    guard request.utf8.count < File.limit else { throw Failure(what: "map the image", code: E2BIG) }
    let before = bus.devices()
    try bus.add(request)
    for device in bus.devices().subtracting(before) where bus.isMade(device, by: request) {
        print("/dev/rbd\(device)")
        return
    }
}

func unmap(_ bus: RBDBus, device: UInt32, pool: String, namespace: String, image: String) throws {
    guard bus.shows(device, pool: pool, namespace: namespace, image: image) else {
        throw Failure(what: "find that image mapped there", code: ENODEV)
    }
    try bus.remove(device)
}

func run(_ arguments: [String]) throws -> Bool {
    guard arguments.count == 6 else { return false }
    let bus = RBDBus(sys: arguments[1])
    switch (arguments[0], UInt32(arguments[2])) {
    case ("map", _):
        try map(bus, monitors: arguments[2], options: arguments[3], pool: arguments[4], image: arguments[5])
    case ("unmap", let device?):
        try unmap(bus, device: device, pool: arguments[3], namespace: arguments[4], image: arguments[5])
    default: return false
    }
    return true
}

func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

do {
    guard try run(Array(CommandLine.arguments.dropFirst())) else {
        say(usage)
        exit(EINVAL)
    }
} catch {
    let failure = error as? Failure
    say((failure?.words ?? "\(error)") + "\n")
    exit(failure?.code ?? EIO)
}
