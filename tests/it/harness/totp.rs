//! Codes of a second factor.

/// The code of a base-32 secret so many seconds from now, by an independent implementation.
pub fn totp_code(secret: &str, offset: u64) -> String {
    let program = "import base64,hmac,hashlib,struct,sys,time
k=base64.b32decode(sys.argv[1]+'='*(-len(sys.argv[1])%8))
h=hmac.new(k,struct.pack('>Q',(int(time.time())+int(sys.argv[2]))//30),hashlib.sha1).digest()
o=h[19]&15
print('%06d'%((struct.unpack('>I',h[o:o+4])[0]&0x7fffffff)%1000000))";
    let output = std::process::Command::new("python3")
        .args(["-c", program, secret, &offset.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
