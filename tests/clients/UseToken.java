import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.*;
import java.security.cert.X509Certificate;
import java.security.spec.*;
import java.util.*;
import javax.crypto.*;
import javax.crypto.spec.*;

/** SunPKCS11 used as an application does. Usage: java UseToken.java CONFIG PIN. Prints "passed". */
public class UseToken {
    static final byte[] MESSAGE = "the quick brown fox jumps over the lazy dog".getBytes(StandardCharsets.UTF_8);
    static Provider token;
    static KeyStore store;

    static void sure(boolean truth, String what) {
        if (!truth) throw new AssertionError(what);
    }

    public static void main(String[] args) throws Exception {
        token = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(token);
        store = KeyStore.getInstance("PKCS11", token);
        store.load(null, args[1].toCharArray());
        random();
        secrets();
        macs();
        rsa();
        signatures();
        agreement();
        keyStore();
        wrapping();
        // Last: after a digest Java closes its sessions, and with the last one goes the login.
        digests();
        System.out.println("passed");
    }

    static void digests() throws Exception {
        for (String name : List.of("SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256")) {
            MessageDigest inside = MessageDigest.getInstance(name, token);
            inside.update(MESSAGE, 0, 10);
            MessageDigest copy = (MessageDigest) inside.clone();
            inside.update(MESSAGE, 10, MESSAGE.length - 10);
            copy.update(MESSAGE, 10, MESSAGE.length - 10);
            byte[] outside = MessageDigest.getInstance(name, "SUN").digest(MESSAGE);
            sure(Arrays.equals(inside.digest(), outside), name);
            sure(Arrays.equals(copy.digest(), outside), name + " cloned");
        }
    }

    static void random() throws Exception {
        SecureRandom random = SecureRandom.getInstance("PKCS11", token);
        byte[] bytes = new byte[32];
        random.setSeed(7);
        random.nextBytes(bytes);
        sure(!Arrays.equals(bytes, new byte[32]), "random");
    }

    static void secrets() throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        for (int bits : new int[] {128, 256}) {
            generator.init(bits);
            SecretKey key = generator.generateKey();
            for (String mode : List.of("AES/CBC/PKCS5Padding", "AES/CTR/NoPadding")) {
                Cipher seal = Cipher.getInstance(mode, token), open = Cipher.getInstance(mode, token);
                seal.init(Cipher.ENCRYPT_MODE, key);
                byte[] sealed = inParts(seal);
                open.init(Cipher.DECRYPT_MODE, key, seal.getParameters());
                sure(Arrays.equals(open.doFinal(sealed), MESSAGE), mode);
            }
            Cipher seal = Cipher.getInstance("AES/ECB/PKCS5Padding", token);
            seal.init(Cipher.ENCRYPT_MODE, key);
            byte[] sealed = inParts(seal);
            seal.init(Cipher.DECRYPT_MODE, key);
            sure(Arrays.equals(seal.doFinal(sealed), MESSAGE), "ECB");
            gcm(key);
        }
        // A key that the application has, brought in, agrees with Java's own.
        SecretKey known = new SecretKeySpec(new byte[32], "AES");
        Cipher inside = Cipher.getInstance("AES/CBC/NoPadding", token);
        inside.init(Cipher.ENCRYPT_MODE, known, new IvParameterSpec(new byte[16]));
        Cipher outside = Cipher.getInstance("AES/CBC/NoPadding", "SunJCE");
        outside.init(Cipher.ENCRYPT_MODE, known, new IvParameterSpec(new byte[16]));
        sure(Arrays.equals(inside.doFinal(new byte[64]), outside.doFinal(new byte[64])), "AES brought in");
    }

    // In one part: of several, Java 17 loses the last, over every token.
    static void gcm(SecretKey key) throws Exception {
        Cipher seal = Cipher.getInstance("AES/GCM/NoPadding", token);
        seal.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(128, new byte[12]));
        seal.updateAAD(MESSAGE);
        byte[] sealed = seal.doFinal(MESSAGE);
        sure(Arrays.equals(opener(key).doFinal(sealed), MESSAGE), "GCM");
        sealed[0] ^= 1;
        try {
            opener(key).doFinal(sealed);
        } catch (GeneralSecurityException | ProviderException expected) {
            return;
        }
        sure(false, "a spoiled message opens");
    }

    static Cipher opener(SecretKey key) throws Exception {
        Cipher open = Cipher.getInstance("AES/GCM/NoPadding", token);
        open.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(128, new byte[12]));
        open.updateAAD(MESSAGE);
        return open;
    }

    static byte[] inParts(Cipher seal) throws Exception {
        ByteArrayOutputStream sealed = new ByteArrayOutputStream();
        byte[] first = seal.update(MESSAGE, 0, 20);
        if (first != null) sealed.write(first);
        sealed.write(seal.doFinal(MESSAGE, 20, MESSAGE.length - 20));
        return sealed.toByteArray();
    }

    static void macs() throws Exception {
        SecretKey key = new SecretKeySpec(MESSAGE, "Generic");
        for (String name : List.of("HmacSHA1", "HmacSHA256", "HmacSHA512")) {
            Mac inside = Mac.getInstance(name, token), outside = Mac.getInstance(name, "SunJCE");
            inside.init(key);
            outside.init(key);
            sure(Arrays.equals(inside.doFinal(MESSAGE), outside.doFinal(MESSAGE)), name);
        }
    }

    static void rsa() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA", token);
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        PublicKey outside = KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(pair.getPublic().getEncoded()));
        Cipher seal = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        seal.init(Cipher.ENCRYPT_MODE, outside);
        Cipher open = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        open.init(Cipher.DECRYPT_MODE, pair.getPrivate());
        sure(Arrays.equals(open.doFinal(seal.doFinal(MESSAGE)), MESSAGE), "RSA");
        sure(pair.getPrivate().getEncoded() == null, "the private key stays inside");
    }

    static void signatures() throws Exception {
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA", token);
        rsa.initialize(2048);
        KeyPair pair = rsa.generateKeyPair();
        for (String name : List.of("SHA1withRSA", "SHA256withRSA", "SHA512withRSA", "SHA256withRSASSA-PSS")) signs(name, pair, "RSA");
        KeyPairGenerator ec = KeyPairGenerator.getInstance("EC", token);
        for (String curve : List.of("secp256r1", "secp384r1", "secp521r1")) {
            ec.initialize(new ECGenParameterSpec(curve));
            pair = ec.generateKeyPair();
            for (String name : List.of("SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA")) signs(name, pair, "EC");
        }
    }

    static void signs(String name, KeyPair pair, String kind) throws Exception {
        Signature inside = Signature.getInstance(name, token);
        inside.initSign(pair.getPrivate());
        inside.update(MESSAGE, 0, 7);
        inside.update(MESSAGE, 7, MESSAGE.length - 7);
        byte[] signature = inside.sign();
        inside.initVerify(pair.getPublic());
        inside.update(MESSAGE);
        sure(inside.verify(signature), name + " inside");
        boolean pss = name.endsWith("PSS");
        Signature outside = pss ? Signature.getInstance("RSASSA-PSS", "SunRsaSign")
            : Signature.getInstance(name, kind.equals("RSA") ? "SunRsaSign" : "SunEC");
        if (pss) outside.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        outside.initVerify(KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(pair.getPublic().getEncoded())));
        outside.update(MESSAGE);
        sure(outside.verify(signature), name + " outside");
    }

    static void agreement() throws Exception {
        KeyPairGenerator inside = KeyPairGenerator.getInstance("EC", token), outside = KeyPairGenerator.getInstance("EC", "SunEC");
        for (String curve : List.of("secp256r1", "secp384r1")) {
            inside.initialize(new ECGenParameterSpec(curve));
            outside.initialize(new ECGenParameterSpec(curve));
            KeyPair ours = inside.generateKeyPair(), theirs = outside.generateKeyPair();
            KeyAgreement in = KeyAgreement.getInstance("ECDH", token), out = KeyAgreement.getInstance("ECDH", "SunEC");
            in.init(ours.getPrivate());
            in.doPhase(theirs.getPublic(), true);
            out.init(theirs.getPrivate());
            out.doPhase(KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(ours.getPublic().getEncoded())), true);
            sure(Arrays.equals(in.generateSecret(), out.generateSecret()), "ECDH on " + curve);
        }
    }

    static void keyStore() throws Exception {
        SecretKey key = new SecretKeySpec(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, "AES");
        store.setEntry("java-aes", new KeyStore.SecretKeyEntry(key), null);
        sure(store.containsAlias("java-aes") && store.isKeyEntry("java-aes"), "the entry");
        SecretKey kept = (SecretKey) store.getKey("java-aes", null);
        Cipher seal = Cipher.getInstance("AES/ECB/NoPadding", token), outside = Cipher.getInstance("AES/ECB/NoPadding", "SunJCE");
        seal.init(Cipher.ENCRYPT_MODE, kept);
        outside.init(Cipher.ENCRYPT_MODE, key);
        sure(Arrays.equals(seal.doFinal(new byte[16]), outside.doFinal(new byte[16])), "the kept key");
        store.deleteEntry("java-aes");
        sure(!store.containsAlias("java-aes"), "deleted");
    }

    static void wrapping() throws Exception {
        KeyGenerator generator = KeyGenerator.getInstance("AES", token);
        generator.init(256);
        SecretKey secret = generator.generateKey();
        KeyPairGenerator outside = KeyPairGenerator.getInstance("RSA", "SunRsaSign"), inside = KeyPairGenerator.getInstance("RSA", token);
        outside.initialize(2048);
        inside.initialize(2048);
        KeyPair theirs = outside.generateKeyPair(), ours = inside.generateKeyPair();
        // A key of the token goes to somebody else.
        Cipher wrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", token), unwrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        wrap.init(Cipher.WRAP_MODE, theirs.getPublic());
        byte[] wrapped = wrap.wrap(secret);
        unwrap.init(Cipher.UNWRAP_MODE, theirs.getPrivate());
        sure(same(secret, (SecretKey) unwrap.unwrap(wrapped, "AES", Cipher.SECRET_KEY)), "wrapped");
        // Somebody else's key comes to the token. (Java decrypts and creates, it does not unwrap.)
        SecretKey known = new SecretKeySpec(new byte[32], "AES");
        PublicKey published = KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(ours.getPublic().getEncoded()));
        wrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", "SunJCE");
        unwrap = Cipher.getInstance("RSA/ECB/PKCS1Padding", token);
        wrap.init(Cipher.WRAP_MODE, published);
        unwrap.init(Cipher.UNWRAP_MODE, ours.getPrivate());
        sure(same((SecretKey) unwrap.unwrap(wrap.wrap(known), "AES", Cipher.SECRET_KEY), known), "unwrapped");
    }

    // The first in the token, the second outside.
    static boolean same(SecretKey inside, SecretKey outside) throws Exception {
        Cipher one = Cipher.getInstance("AES/ECB/NoPadding", token), other = Cipher.getInstance("AES/ECB/NoPadding", "SunJCE");
        one.init(Cipher.ENCRYPT_MODE, inside);
        other.init(Cipher.ENCRYPT_MODE, outside);
        return Arrays.equals(one.doFinal(MESSAGE, 0, 32), other.doFinal(MESSAGE, 0, 32));
    }
}
