import CCoreDump
import Glibc
import KernelRequest

// Asks the kernel for what may keep its asker waiting: to map and unmap images, to mount, trim and unmount filesystems, to
// give loop devices back. Then it is this process that waits, which is cheap to start and to lose. It is started ahead: it
// reads one request from its standard input, sees it done, and ends. The exit status is the error number of the kernel.
//
// With the words of a `Confinement` and a program as its arguments it becomes that program.

/// Maps an image and prints its device, or nothing when it cannot be told which one it is.
func map(_ bus: RBDBus, monitors: String, options: String, pool: String, image: String, secret: [UInt8]) throws {
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

/// - Parameter id: librbd's id of the image; empty when it is not known.
func unmap(_ bus: RBDBus, device: UInt32, pool: String, namespace: String, image: String, id: String) throws {
    guard bus.shows(device, pool: pool, namespace: namespace, image: image, id: id) else {
        throw Failure(what: "find that image on that device", code: ENODEV)
    }
    try bus.remove(device)
}

/// - Returns: `false` when it is no request that it knows.
func run(_ words: [String], secret: [UInt8]) throws -> Bool {
    switch (words.first, words.count) {
    case ("map", 6):
        try map(
            RBDBus(sys: words[1]), monitors: words[2], options: words[3], pool: words[4], image: words[5],
            secret: secret)
    case ("try-key", 1):
        _ = try KernelKey(secret)
    case ("unmap", 7):
        guard let device = UInt32(words[2]) else { return false }
        try unmap(
            RBDBus(sys: words[1]), device: device, pool: words[3], namespace: words[4], image: words[5], id: words[6])
    case ("mount", 6):
        guard let flags = UInt(words[4]) else { return false }
        _ = try words[5].withCString { data in
            try Failure.check("mount \(words[1])") { mount(words[1], words[2], words[3], flags, data) }
        }
    case ("unmount", 2):
        // The path is taken as it is: nothing looks at a filesystem that may not answer.
        try Failure.check("unmount \(words[1])") { umount2(words[1], CInt(UMOUNT_NOFOLLOW)) }
    case ("detach", 3):
        try LoopDevice(path: words[1], file: words[2]).giveBack(onlyMounted: false)
    case ("detach-with-last-mount", 3):
        try LoopDevice(path: words[1], file: words[2]).giveBack(onlyMounted: true)
    case ("replay", 4):
        try DetachedFilesystem.replay(words[1], words[2], flags: words[3].split(separator: ",").map(String.init))
    case ("trim", 4):
        try print(OpenedMount(words[2], of: words[1]).trim(inParts: words[3] == "parts"))
    case ("freeze", 4):
        guard let limit = Int32(words[3]) else { return false }
        print(try OpenedMount(words[2], of: words[1]).freeze(atMost: limit) ? "in time" : "too late")
    case ("thaw", 3):
        print(try OpenedMount(words[2], of: words[1]).thaw() ? "was frozen" : "was not frozen")
    case ("set-option", 5):
        try OpenedMount(words[2], of: words[1]).set(words[3], to: words[4].isEmpty ? nil : words[4])
    default: return false
    }
    return true
}

/// - Returns: `nil` when the plugin ended without having asked for anything.
func readRequest() throws -> KernelRequest? {
    let header = try File.read(STDIN_FILENO, count: KernelRequest.headerLength, "read the request")
    guard let length = KernelRequest.length(header: header) else { return nil }
    let body = try File.read(STDIN_FILENO, count: length, "read the request")
    return body.count == length ? KernelRequest(body: body) : nil
}

func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

// It is given the Ceph key.
_ = ccoredump_forbid()
_ = ccoredump_limit()
do {
    var words = CommandLine.arguments.dropFirst()
    if let confinement = Confinement(takingFrom: &words) { try confinement.become(Array(words)) }
    guard let request = try readRequest(), try run(request.words, secret: request.secret) else {
        say("this program does nothing by itself: rbd-plugin runs it\n")
        exit(EINVAL)
    }
} catch {
    let failure = error as? Failure
    say((failure?.words ?? "\(error)") + "\n")
    exit(failure?.code ?? EIO)
}
