import Glibc

enum ProcessInfoForTests {
    static var pid: Int32 { getpid() }
}
