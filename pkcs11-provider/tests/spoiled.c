/* Calls every function of the module with each of its arguments spoiled in turn, from C: under
 * valgrind every read and write outside what was given shows. Usage: spoiled MODULE
 * The table of functions is written by the test that runs this, from the module's own list. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keybridge_pkcs11.h"

#define SLOT 10
#define MOST 12
#define ROOM 512

/* Kinds of arguments: s session, l slot, p pointer, u pointer to a length, o object, n number, and
 * 0 for a callback. */
static const struct { const char *name; const char *kinds; } functions[] = {
#include "functions.inc"
};

typedef CK_RV (*any)(CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG,
                     CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG, CK_ULONG);

static const CK_ULONG numbers[] = {0, 3, ~0UL, 0x80000000UL, ~0UL / sizeof(CK_ATTRIBUTE) + 1};

static CK_FUNCTION_LIST_3_2 *module;
static CK_OBJECT_HANDLE key;

static void check(CK_RV rv, const char *what) {
    if (rv == CKR_OK) return;
    fprintf(stderr, "%s: %#lx\n", what, rv);
    _exit(1);
}

static CK_SESSION_HANDLE open_session(void) {
    CK_SESSION_HANDLE session;
    check(module->C_OpenSession(SLOT, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL_PTR, NULL_PTR,
                                &session), "C_OpenSession");
    return session;
}

static void start(const char *path) {
    CK_RV (*get_interface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
    CK_INTERFACE_PTR interface;
    CK_ULONG length = 16;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE template[] = {{CKA_VALUE_LEN, &length, sizeof length},
                               {CKA_PRIVATE, &no, sizeof no}};
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL_PTR, 0};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) check(CKR_GENERAL_ERROR, dlerror());
    *(void **)&get_interface = dlsym(library, "C_GetInterface");
    check(get_interface((CK_UTF8CHAR_PTR) "PKCS 11", NULL_PTR, &interface, 0), "C_GetInterface");
    module = interface->pFunctionList;
    check(module->C_Initialize(NULL_PTR), "C_Initialize");
    check(module->C_GenerateKey(open_session(), &generate, template, 2, &key), "C_GenerateKey");
}

/* Each pointer leads to memory of its own, so that valgrind knows where it ends. */
static CK_ULONG argument(char kind, CK_SESSION_HANDLE session, void **memory) {
    switch (kind) {
    case 's': return session;
    case 'l': return SLOT;
    case 'o': return key;
    case 'n': return 1;
    case '0': return 0;
    }
    *memory = calloc(1, ROOM);
    /* As a length in bytes or a count of elements, there is room for as many. */
    if (kind == 'u') *(CK_ULONG *)*memory = ROOM / sizeof(CK_ULONG);
    return (CK_ULONG)*memory;
}

static CK_ULONG call(size_t function, int spoiled, CK_ULONG value, int unaligned) {
    CK_SESSION_HANDLE session = open_session();
    CK_ULONG arguments[MOST] = {0};
    void *memory[MOST] = {0};
    const char *kinds = functions[function].kinds;
    any *list = (any *)((char *)module + sizeof(CK_ULONG));
    CK_RV rv;
    int index;
    for (index = 0; kinds[index]; index++) {
        arguments[index] = argument(kinds[index], session, &memory[index]);
        if (index == spoiled) arguments[index] = unaligned ? arguments[index] + 1 : value;
    }
    rv = list[function](arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                        arguments[5], arguments[6], arguments[7], arguments[8], arguments[9],
                        arguments[10], arguments[11]);
    if (rv == CKR_GENERAL_ERROR) check(rv, functions[function].name);
    for (index = 0; index < MOST; index++) free(memory[index]);
    module->C_CloseSession(session);
    return rv;
}

int main(int count, char **arguments) {
    size_t function, number;
    unsigned long calls = 0;
    if (count != 2) return 2;
    start(arguments[1]);
    for (function = 0; function < sizeof functions / sizeof *functions; function++) {
        const char *kinds = functions[function].kinds;
        int place;
        if (!kinds) continue;
        call(function, -1, 0, 0);
        for (place = 0; kinds[place]; place++) {
            if (kinds[place] == '0') continue;
            if (kinds[place] == 'p' || kinds[place] == 'u') {
                call(function, place, 0, 0);
                call(function, place, 0, 1);
                calls += 2;
                continue;
            }
            for (number = 0; number < sizeof numbers / sizeof *numbers; number++, calls++)
                call(function, place, numbers[number], 0);
        }
    }
    check(module->C_Finalize(NULL_PTR), "C_Finalize");
    return calls > 800 ? 0 : 3;
}
